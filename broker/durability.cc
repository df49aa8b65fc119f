#include "broker/durability.h"

#include <utility>

#include "common/base/check.h"

namespace millrace {
namespace {

// Grace period after a state failure, so that waiting clients receive the error.
constexpr Duration kLastWords = std::chrono::seconds(2);

}  // namespace

std::uint64_t Durability::Post(StateRequest request, Done done) {
  if (broken_) return last_posted_;
  const std::uint64_t number = env_.Post(std::move(request));
  Check(number == last_posted_ + 1, "requests to the state are numbered one by one");
  last_posted_ = number;
  if (done) asked_.emplace(last_posted_, std::move(done));
  return last_posted_;
}

void Durability::Confirm(SendConfirm confirm) {
  held_confirms_.push_back({last_posted_, std::move(confirm)});
}

void Durability::Reply(std::string identity, std::uint64_t request, wire::ControlReply reply) {
  held_replies_.push_back({last_posted_, std::move(identity), request, std::move(reply)});
}

void Durability::ReplyAfter(std::uint64_t number, std::string identity, std::uint64_t request,
                            wire::ControlReply reply) {
  if (number > durable_) return Reply(std::move(identity), request, std::move(reply));
  env_.Reply(identity, {request, std::move(reply)});
}

void Durability::OnState() {
  StateProgress progress = env_.TakeProgress();
  Check(progress.durable >= durable_ && progress.durable <= last_posted_,
        "what is on disk was posted, and stays there");
  durable_ = progress.durable;
  for (StateAnswered& answered : progress.answers) {
    const auto asked = asked_.find(answered.number);
    if (asked == asked_.end()) continue;
    const Done done = std::move(asked->second);
    asked_.erase(asked);
    done(std::move(answered.answer));
  }
  Release();
  if (progress.broken && !broken_) Break(*progress.broken);
}

void Durability::Release() {
  if (broken_) return;
  while (!held_confirms_.empty() && held_confirms_.front().after <= durable_) {
    const SendConfirm& confirm = held_confirms_.front().confirm;
    env_.SendToFeed(confirm.worker,
                    wire::Confirm{{epoch_, confirm.worker}, confirm.accepted, confirm.stale});
    held_confirms_.pop_front();
  }
  while (!held_replies_.empty() && held_replies_.front().after <= durable_) {
    HeldReply& held = held_replies_.front();
    env_.Reply(held.identity, {held.request, std::move(held.reply)});
    held_replies_.pop_front();
  }
}

void Durability::Break(const Error& error) {
  broken_ = error;
  broken_->message +=
      "; nothing more is taken or confirmed, and what was not on disk is done "
      "again after a restart";
  broken_until_ = clock_.Now() + kLastWords;
  log_->error("{}", broken_->message);
  for (auto& [number, done] : std::exchange(asked_, {})) done(Fail(*broken_));
}

}  // namespace millrace
