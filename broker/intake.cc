// Broker: what workers report, and the ends of their links.
#include <algorithm>
#include <string_view>
#include <type_traits>
#include <utility>

#include "broker/broker.h"

namespace millrace {
namespace {

// Of peers that send what does not follow the protocol; a peer may connect anew for each message.
constexpr std::uint64_t kMalformedLines = 100;

std::string ReportsPeer(int link) { return "reports connection " + std::to_string(link); }

// ZeroMQ gives each connection an identity of five bytes, unless the client chose its own.
std::string ControlPeer(const std::string& identity) {
  constexpr std::size_t kShown = 16;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string name = "control connection ";
  for (const char c : identity.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    name += kDigits[byte >> 4];
    name += kDigits[byte & 15];
  }
  return name;
}

}  // namespace

void Broker::LinkEnded(int link) { ended_links_.push_back(link); }

void Broker::EndLostLinks() {
  if (ended_links_.empty()) return;
  DrainReports();
  for (const int fd : std::exchange(ended_links_, {})) {
    // The next one that connects may get the same descriptor.
    if (const auto line = malformed_.Forget(ReportsPeer(fd))) {
      WarnRepeated("gone", *line, kMalformedLines);
    }
    const std::optional<IncarnationId> worker = sessions_.Disconnected(fd);
    if (!worker) continue;
    log_->debug("incarnation {} lost its link", worker->value());
    queue_.LinkLost(*worker, clock_.Now());
    EndIncarnationNow(*worker);
  }
}

void Broker::EndIncarnationNow(IncarnationId worker) {
  ports_.CloseFeed(worker);
  sessions_.Ended(worker);
}

void Broker::DrainReports() {
  while (true) {
    Result<std::optional<BrokerPorts::Report>> report = ports_.NextReport();
    if (!report) return log_->error("{}", report.error().message);
    if (!*report) return;
    Result<wire::ReportMessage>& message = (*report)->message;
    const int link = (*report)->link;
    if (message) {
      TakeReport(link, std::move(*message));
    } else {
      Malformed(ReportsPeer(link), message.error());
    }
  }
}

void Broker::TakeReport(int link, wire::ReportMessage message) {
  const Instant now = clock_.Now();
  std::visit(
      [&](auto& report) {
        const IncarnationId id = report.link.incarnation;
        if (report.link.epoch != epoch_ || !queue_.workers().contains(id)) return;
        sessions_.SeenOn(link, id);
        using Report = std::decay_t<decltype(report)>;
        if constexpr (std::is_same_v<Report, wire::Credit>) {
          queue_.SetCredit(id, static_cast<std::size_t>(std::max<std::int64_t>(report.slots, 0)),
                           now);
        } else if constexpr (std::is_same_v<Report, wire::Claim>) {
          queue_.Claimed(id, report.leases, now);
        } else if constexpr (std::is_same_v<Report, wire::DoneReport>) {
          queue_.Finished(id, std::move(report.results), now);
        } else if constexpr (std::is_same_v<Report, wire::FailReport>) {
          queue_.Failed(id, report.results, now);
        } else if constexpr (std::is_same_v<Report, wire::SkipReport>) {
          queue_.Skipped(id, report.results, now);
        } else if constexpr (std::is_same_v<Report, wire::Return>) {
          queue_.Returned(id, report.leases, now);
        } else {
          queue_.Beat(id, report.progress, report.claimed, now);
          ports_.SendToFeed(id, wire::BeatReply{report.link});
        }
      },
      message);
}

void Broker::MalformedRequest(const std::string& identity, const Error& error) {
  Malformed(ControlPeer(identity), error);
}

void Broker::Malformed(const std::string& peer, const Error& error) {
  if (const auto line = malformed_.Note(peer, error, clock_.Now())) {
    WarnRepeated("malformed", *line, kMalformedLines);
  }
}

void Broker::WarnRepeated(const std::string& kind, const std::string& line, std::uint64_t lines) {
  if (const auto said = repeated_.Note(kind, line, clock_.Now(), lines)) log_->warn("{}", *said);
}

}  // namespace millrace
