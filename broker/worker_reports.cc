#include "broker/worker_reports.h"

#include <type_traits>

namespace millrace {

void WorkerReports::Drain() {
  while (true) {
    Result<std::optional<WorkerLinks::Report>> report = p_.links.NextReport();
    if (!report) return p_.log->error("{}", report.error().message);
    if (!*report) return;
    Result<wire::ReportMessage>& message = (*report)->message;
    const int link = (*report)->link;
    if (message) {
      Take(link, std::move(*message));
    } else {
      p_.peers.MalformedReport(link, message.error());
    }
  }
}

void WorkerReports::Take(int link, wire::ReportMessage message) {
  const Instant now = p_.clock.Now();
  JobQueue& queue = p_.queue;
  std::visit(
      [&](auto& report) {
        const IncarnationId id = report.link.incarnation;
        if (report.link.epoch != p_.epoch || !queue.workers().contains(id)) return;
        p_.sessions.SeenOn(link, id);
        using Report = std::decay_t<decltype(report)>;
        if constexpr (!std::is_same_v<Report, wire::Credit> &&
                      !std::is_same_v<Report, wire::Beat>) {
          p_.proof.OnProven(id, now);  // it is about something that came by the feed
        }
        if constexpr (std::is_same_v<Report, wire::Credit>) {
          p_.proof.OnCredit(id, report.slots, now);
        } else if constexpr (std::is_same_v<Report, wire::Claim>) {
          queue.Claimed(id, report.leases, now);
        } else if constexpr (std::is_same_v<Report, wire::DoneReport>) {
          queue.Finished(id, std::move(report.results), now);
        } else if constexpr (std::is_same_v<Report, wire::FailReport>) {
          queue.Failed(id, report.results, now);
        } else if constexpr (std::is_same_v<Report, wire::SkipReport>) {
          queue.Skipped(id, report.results, now);
        } else if constexpr (std::is_same_v<Report, wire::Return>) {
          if (std::erase(report.leases, FeedProof::kNoLease) > 0) {
            p_.links.SendToFeed(id, wire::Confirm{report.link, {}, {FeedProof::kNoLease}});
          }
          queue.Returned(id, report.leases, now);
        } else {
          queue.Beat(id, report.progress, report.claimed, now);
          p_.links.SendToFeed(id, wire::BeatReply{report.link});
        }
      },
      message);
}

}  // namespace millrace
