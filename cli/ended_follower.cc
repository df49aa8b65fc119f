#include "cli/ended_follower.h"

namespace millrace::cli {

Result<void> EndedFollower::Step(RunId run) {
  ASSIGN_OR_RETURN(const bool ready, sink_.Ready());
  const Instant now = clock_.Now();
  if (!next_ || now < *next_) return {};
  next_ = now + kInterval;
  if (!ready || !run.valid()) return {};
  asked_ = control_.Send(wire::EndedRequest{run, from_}).value_or(0);
  next_ = now + kAskAgain;
  return {};
}

void EndedFollower::AskAnew() {
  asked_ = from_ = 0;
  if (next_) next_ = clock_.Now();
}

std::int64_t EndedFollower::OnReply(const wire::ReplyEnvelope& reply) {
  if (asked_ == 0 || reply.id != asked_) return 0;
  asked_ = 0;
  const auto* ended = std::get_if<wire::EndedReply>(&reply.reply);
  if (ended == nullptr) {
    next_.reset();
    return 0;
  }
  std::int64_t bytes = 0;
  for (const wire::EndedItem& item : ended->items) bytes += sink_.Take(item);
  from_ = ended->next;
  next_ = clock_.Now() + (ended->items.empty() ? kInterval : kInterval / 4);
  return bytes;
}

}  // namespace millrace::cli
