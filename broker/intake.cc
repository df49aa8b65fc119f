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
// Of no job: ids start at 1.
constexpr wire::Lease kNoLease{};

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
  NoteProof(worker);
  ports_.CloseFeed(worker);
  sessions_.Ended(worker, clock_.Now());
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
        if constexpr (!std::is_same_v<Report, wire::Credit> &&
                      !std::is_same_v<Report, wire::Beat>) {
          FeedProven(id, now);  // it is about something that came by the feed
        }
        if constexpr (std::is_same_v<Report, wire::Credit>) {
          TakeCredit(id, report.slots, now);
        } else if constexpr (std::is_same_v<Report, wire::Claim>) {
          queue_.Claimed(id, report.leases, now);
        } else if constexpr (std::is_same_v<Report, wire::DoneReport>) {
          queue_.Finished(id, std::move(report.results), now);
        } else if constexpr (std::is_same_v<Report, wire::FailReport>) {
          queue_.Failed(id, report.results, now);
        } else if constexpr (std::is_same_v<Report, wire::SkipReport>) {
          queue_.Skipped(id, report.results, now);
        } else if constexpr (std::is_same_v<Report, wire::Return>) {
          if (std::erase(report.leases, kNoLease) > 0) {
            ports_.SendToFeed(id, wire::Confirm{report.link, {}, {kNoLease}});
          }
          queue_.Returned(id, report.leases, now);
        } else {
          queue_.Beat(id, report.progress, report.claimed, now);
          ports_.SendToFeed(id, wire::BeatReply{report.link});
        }
      },
      message);
}

// A feed that connects, and then carries nothing (a firewall that drops what it does not know), is
// seen by nobody: the worker reports and beats, and every job that is sent to it is lost with its
// incarnation, again and again. So the first thing sent is a REVOKE of a lease that there is not,
// which a worker RETURNs, and no job before that. Not every worker answers it: one that does not
// may have one job after a while.
void Broker::TakeCredit(IncarnationId id, std::int64_t given, Instant now) {
  const auto slots = static_cast<std::size_t>(std::max<std::int64_t>(given, 0));
  Session* session = sessions_.FindIncarnation(id);
  if (session == nullptr || session->proven || slots == 0) {
    unproven_.erase(id);
    return queue_.SetCredit(id, slots, now);
  }
  session->credit = slots;
  if (std::exchange(session->asked, true)) return;
  unproven_.insert(id);
  const Duration wait = kProof * (1 << std::min(session->unheard, 10));
  session->trust_at = now + std::min<Duration>(wait, kLongestProof);
  ports_.SendToFeed(id, wire::Revoke{{epoch_, id}, {kNoLease}});
}

void Broker::FeedProven(IncarnationId id, Instant now) {
  Session* session = sessions_.FindIncarnation(id);
  if (session == nullptr || session->proven) return;
  session->proven = true;
  session->unheard = 0;
  session->trust_at.reset();
  if (unproven_.erase(id) > 0) queue_.SetCredit(id, session->credit, now);
}

void Broker::TrustUnproven(Instant now) {
  for (const IncarnationId id : unproven_) {
    Session* session = sessions_.FindIncarnation(id);
    if (session == nullptr || !session->trust_at || *session->trust_at > now) continue;
    session->trust_at.reset();
    queue_.SetCredit(id, 1, now);
  }
}

void Broker::NoteProof(IncarnationId id) {
  if (unproven_.erase(id) == 0) return;
  Session* session = sessions_.FindIncarnation(id);
  if (session == nullptr) return;
  ++session->unheard;
  const wire::Hello& hello = session->hello;
  constexpr std::string_view kDeaf = "reports, but nothing that is sent to its feed arrives";
  if (session->unheard == 2) {
    log_->warn("worker {}-{} (process {} on {}) {}: can it reach feed {}?", hello.stage,
               hello.replica, hello.pid, hello.host, kDeaf, session->welcome.feed);
  }
  if (session->unheard % kMostUnheard != 0) return;
  if (const std::optional<StageIndex> stage = FindStage(hello.stage)) {
    queue_.CutOff(*stage, hello.replica, std::string(kDeaf), clock_.Now());
  }
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
