// Broker: what workers report, and the ends of their links.
#include <algorithm>
#include <type_traits>
#include <utility>

#include "broker/broker.h"

namespace millrace {

void Broker::DrainMonitor() {
  while (true) {
    Result<std::optional<net::LinkEvent>> event = monitor_->Receive();
    if (!event) return log_->error("{}", event.error().message);
    if (!*event) return;
    if ((*event)->kind == net::LinkEventKind::kDisconnected) ended_links_.push_back((*event)->fd);
  }
}

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
  feeds_.Close(worker);
  sessions_.Ended(worker);
}

void Broker::DrainReports() {
  while (true) {
    Result<std::optional<net::Received>> received = reports_->Receive();
    if (!received) return log_->error("{}", received.error().message);
    if (!*received) return;
    TakeReport(**received);
  }
}

void Broker::TakeReport(const net::Received& received) {
  const std::string peer = "reports connection " + std::to_string(received.peer_fd);
  if (received.refused) {
    return Malformed(peer, {ErrorCode::kProtocol, "a message over the size limits"});
  }
  Result<wire::ReportMessage> decoded = wire::DecodeReport(received.frames);
  if (!decoded) return Malformed(peer, decoded.error());
  const Instant now = clock_.Now();
  std::visit(
      [&](auto& report) {
        const IncarnationId id = report.link.incarnation;
        if (report.link.epoch != epoch_ || !queue_.workers().contains(id)) return;
        sessions_.SeenOn(received.peer_fd, id);
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
          feeds_.Send(id, wire::Encode(wire::FeedMessage(wire::BeatReply{report.link})));
        }
      },
      *decoded);
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
