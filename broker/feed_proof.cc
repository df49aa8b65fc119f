#include "broker/feed_proof.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace millrace {

void FeedProof::OnCredit(IncarnationId id, std::int64_t given, Instant now) {
  const auto slots = static_cast<std::size_t>(std::max<std::int64_t>(given, 0));
  Session* session = sessions_.FindIncarnation(id);
  if (session == nullptr || session->proven || slots == 0) {
    unproven_.erase(id);
    return queue_.SetCredit(id, slots, now);
  }
  session->credit = slots;
  if (std::exchange(session->asked, true)) return;
  unproven_.insert(id);
  const Duration wait = kWait * (1 << std::min(session->unheard, 10));
  session->trust_at = now + std::min<Duration>(wait, kMaxWait);
  links_.SendToFeed(id, wire::Revoke{{epoch_, id}, {kNoLease}});
}

void FeedProof::OnProven(IncarnationId id, Instant now) {
  Session* session = sessions_.FindIncarnation(id);
  if (session == nullptr || session->proven) return;
  session->proven = true;
  session->unheard = 0;
  session->trust_at.reset();
  if (unproven_.erase(id) > 0) queue_.SetCredit(id, session->credit, now);
}

void FeedProof::OnTime(Instant now) {
  for (const IncarnationId id : unproven_) {
    Session* session = sessions_.FindIncarnation(id);
    if (session == nullptr || !session->trust_at || *session->trust_at > now) continue;
    session->trust_at.reset();
    queue_.SetCredit(id, 1, now);
  }
}

void FeedProof::OnEnd(IncarnationId id, Instant now) {
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
  if (session->unheard % kMaxUnheard != 0) return;
  for (StageIndex stage = 0; stage < queue_.settings().size(); ++stage) {
    if (queue_.settings()[stage].name != hello.stage) continue;
    queue_.CutOff(stage, hello.replica, std::string(kDeaf), now);
  }
}

std::optional<Instant> FeedProof::NextDeadline() const {
  std::optional<Instant> next;
  for (const IncarnationId worker : unproven_) {
    const Session* session = sessions_.FindIncarnation(worker);
    if (session == nullptr || !session->trust_at) continue;
    next = next ? std::min(*next, *session->trust_at) : session->trust_at;
  }
  return next;
}

}  // namespace millrace
