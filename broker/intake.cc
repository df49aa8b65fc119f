// Broker: what workers report, and the ends of their links.
#include <algorithm>
#include <type_traits>
#include <utility>

#include "broker/broker.h"

namespace millrace {

void Broker::LinkEnded(int link) { ended_links_.push_back(link); }

void Broker::EndLostLinks() {
  if (ended_links_.empty()) return;
  DrainReports();
  for (const int fd : std::exchange(ended_links_, {})) {
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
      Malformed("reports connection " + std::to_string(link), message.error());
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

void Broker::Malformed(const std::string& peer, const Error& error) {
  ++malformed_;
  const Instant now = clock_.Now();
  const auto logged = malformed_logged_.find(peer);
  if (logged != malformed_logged_.end() && now - logged->second < std::chrono::minutes(1)) return;
  if (malformed_logged_.size() > 1024) malformed_logged_.clear();
  malformed_logged_[peer] = now;
  log_->warn("{} sent a message that does not follow the protocol ({} so far): {}", peer,
             malformed_, error.message);
}

}  // namespace millrace
