#include "tests/simulation/describe.h"

#include <vector>

namespace millrace::sim {
namespace {

std::string Text(const wire::Lease& lease) {
  return " " + std::to_string(lease.job.value()) + "/" + std::to_string(lease.delivery.value());
}
std::string Text(const std::vector<wire::Lease>& leases) {
  std::string text;
  for (const wire::Lease& lease : leases) text += Text(lease);
  return text;
}
std::string Text(const wire::Link& link) {
  return std::to_string(link.epoch.value()) + ":" + std::to_string(link.incarnation.value()) + " ";
}

struct Feed {
  std::string operator()(const wire::JobMessage& message) const {
    std::string text = "JOB";
    for (const wire::JobSpec& spec : message.jobs) {
      text += Text(spec.lease) + " '" + spec.key + spec.cursor + "'" +
              (spec.alone ? " alone" : "") + " attempt " + std::to_string(spec.attempt);
    }
    return text;
  }
  std::string operator()(const wire::Revoke& message) const {
    return "REVOKE" + Text(message.leases);
  }
  std::string operator()(const wire::Confirm& message) const {
    return "CONFIRM accepted" + Text(message.accepted) + " stale" + Text(message.stale);
  }
  std::string operator()(const wire::Drain& /*message*/) const { return "DRAIN"; }
  std::string operator()(const wire::BeatReply& /*message*/) const { return "BEAT"; }
};

struct Report {
  std::string operator()(const wire::Credit& report) const {
    return "CREDIT " + std::to_string(report.slots);
  }
  std::string operator()(const wire::Claim& report) const { return "CLAIM" + Text(report.leases); }
  std::string operator()(const wire::Return& report) const {
    return "RETURN" + Text(report.leases);
  }
  std::string operator()(const wire::Beat& report) const { return "BEAT" + Text(report.claimed); }
  std::string operator()(const wire::DoneReport& report) const { return All("DONE", report); }
  std::string operator()(const wire::FailReport& report) const { return All("FAIL", report); }
  std::string operator()(const wire::SkipReport& report) const { return All("SKIP", report); }

  template <typename Results>
  static std::string All(std::string text, const Results& report) {
    for (const auto& result : report.results) text += Text(result.lease);
    return text;
  }
};

}  // namespace

std::string Describe(const wire::FeedMessage& message) {
  return std::visit([](const auto& each) { return Text(each.link) + Feed{}(each); }, message);
}

std::string Describe(const wire::ReportMessage& message) {
  return std::visit([](const auto& each) { return Text(each.link) + Report{}(each); }, message);
}

}  // namespace millrace::sim
