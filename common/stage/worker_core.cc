// WorkerCore: the link to the broker, beats, and leaving.
#include "common/stage/worker_core.h"

#include <algorithm>
#include <utility>

namespace millrace {
namespace {

constexpr Duration kFirstHelloPause = std::chrono::milliseconds(500);
constexpr Duration kMaxHelloPause = std::chrono::seconds(5);

std::chrono::milliseconds Ms(std::int64_t count) {
  // A peer's number: kept sane, since it is added to an instant.
  return std::chrono::milliseconds(std::clamp<std::int64_t>(count, 1, 86'400'000));
}

const wire::Link& LinkOf(const wire::FeedMessage& message) {
  return std::visit([](const auto& each) -> const wire::Link& { return each.link; }, message);
}

}  // namespace

WorkerCore::WorkerCore(WorkerSettings settings, Instant now)
    : settings_(settings),
      hello_at_(now),
      hello_pause_(kFirstHelloPause),
      brokerless_since_(now),
      waiting_(static_cast<std::size_t>(std::max(settings.batch_max, 1)), settings.batch_delay) {}

std::vector<WorkerAction> WorkerCore::TakeActions() { return std::exchange(actions_, {}); }

void WorkerCore::Greet(Instant now) {
  if (now - brokerless_since_ >= settings_.give_up_after) {
    return LeaveNow(WorkerExit::kLostBroker, "no broker answers");
  }
  if (now < hello_at_) return;
  actions_.emplace_back(SayHello{attempt_});
  hello_sent_ = now;
  hello_at_ = now + hello_pause_;
  hello_pause_ = std::min(hello_pause_ * 2, kMaxHelloPause);
}

void WorkerCore::Welcomed(std::int64_t attempt, wire::Welcome welcome, Instant now) {
  // HELLO is said again while nothing comes back, so WELCOME may come twice.
  if (phase_ != Phase::kGreeting || attempt != attempt_) return;
  welcome_ = std::move(welcome);
  phase_ = Phase::kConnecting;
  connect_deadline_ = now + settings_.connect_timeout;
  runs_.clear();  // another broker numbers its runs anew
  actions_.emplace_back(OpenLinks{welcome_});
}

void WorkerCore::Refused(std::int64_t attempt, const Error& error, Instant /*now*/) {
  if (phase_ != Phase::kGreeting || attempt != attempt_) return;
  const bool final = error.code == ErrorCode::kUsage || error.code == ErrorCode::kProtocol ||
                     error.code == ErrorCode::kNotFound;
  if (final) return LeaveNow(WorkerExit::kCannotStart, "the broker refused: " + error.message);
  // The broker may have welcomed this attempt, in a reply that never came, and have given up its
  // links since: the next HELLO is a new one.
  ++attempt_;
}

void WorkerCore::LinksUp(Instant now) {
  if (phase_ != Phase::kConnecting) return;
  phase_ = Phase::kLinked;
  hello_pause_ = kFirstHelloPause;
  last_heard_ = now;
  next_beat_ = now;
  lease_until_ = hello_sent_;
  ExtendLease(hello_sent_ + Ms(welcome_.lease_ms));
  OfferCredit();
}

void WorkerCore::LinkLost(Instant now) {
  if (phase_ != Phase::kConnecting && phase_ != Phase::kLinked) return;
  const bool was_linked = phase_ == Phase::kLinked;
  actions_.emplace_back(CloseLinks{});
  AbandonJobs(now);
  beats_unanswered_.clear();
  phase_ = Phase::kGreeting;
  ++attempt_;
  // At once after a link that worked; a link that never came up is not tried again in a rush.
  hello_at_ = was_linked ? now : now + hello_pause_;
  if (was_linked) brokerless_since_ = now;
}

void WorkerCore::Received(wire::FeedMessage message, Instant now) {
  const auto* jobs = std::get_if<wire::JobMessage>(&message);
  if (!(LinkOf(message) == welcome_.link)) {
    // A re-used port: meant for another worker.
    if (jobs != nullptr) foreign_jobs_ += jobs->jobs.size();
    return;
  }
  if (phase_ != Phase::kLinked) return;
  last_heard_ = now;
  if (jobs != nullptr) return ReceiveJobs(std::get<wire::JobMessage>(std::move(message)), now);
  if (const auto* revoke = std::get_if<wire::Revoke>(&message)) {
    return ReceiveRevoke(revoke->leases, Unknown::kReturn);
  }
  if (const auto* confirm = std::get_if<wire::Confirm>(&message)) return ReceiveConfirm(*confirm);
  if (std::holds_alternative<wire::Drain>(message)) return Drain(now);
  if (beats_unanswered_.empty()) return;  // an answer to nothing
  ExtendLease(beats_unanswered_.front() + Ms(welcome_.lease_ms));
  beats_unanswered_.pop_front();
}

void WorkerCore::ExtendLease(Instant until) {
  if (until <= lease_until_) return;
  lease_until_ = until;
  actions_.emplace_back(LeaseUntil{until});
}

void WorkerCore::SendBeat(Instant now) {
  if (now < next_beat_) return;
  wire::Beat beat{.link = welcome_.link,
                  .progress = progress_,
                  .busy_ns = static_cast<std::uint64_t>(busy_.count()),
                  .foreign_jobs = foreign_jobs_,
                  .claimed = {}};
  if (call_) {
    beat.busy_ns += static_cast<std::uint64_t>((now - call_->started).count());
    if (!call_->abandoned) {
      for (const RunningJob& job : call_->jobs) beat.claimed.push_back(job.lease);
    }
  }
  actions_.emplace_back(SendReport{std::move(beat)});
  beats_unanswered_.push_back(now);
  next_beat_ = now + Ms(welcome_.beat_ms);
}

Duration WorkerCore::SilenceLimit() const {
  return std::max<Duration>(3 * Ms(welcome_.beat_ms), settings_.silence);
}

// Only a beat that is not answered is silence: a worker that was itself asleep has asked nothing.
void WorkerCore::CheckSilence(Instant now) {
  if (beats_unanswered_.empty()) return;
  if (now - std::max(beats_unanswered_.front(), last_heard_) >= SilenceLimit()) LinkLost(now);
}

void WorkerCore::CheckHandler(Instant now) {
  if (!call_ || !handler_deadline_ || now < *handler_deadline_) return;
  if (!call_->abandoned) return TimeOut(now);
  LeaveNow(WorkerExit::kHandlerStuck,
           "the link to the broker ended, and the handler has not returned within its lease");
}

void WorkerCore::Drain(Instant now) {
  if (phase_ == Phase::kLeft || leave_deadline_) return;
  leave_deadline_ = now + settings_.drain_timeout;
  leave_reason_ = "drained";
  if (phase_ != Phase::kLinked) return;
  slots_ = 0;
  actions_.emplace_back(SendReport{wire::Credit{welcome_.link, 0}});
  ReturnWaiting();
}

void WorkerCore::CheckLeaving(Instant now) {
  if (!leave_deadline_) return;
  const bool holds_nothing = (!call_ || call_->abandoned) && unconfirmed_.empty();
  if (phase_ != Phase::kLinked || holds_nothing) return LeaveNow(leave_as_, leave_reason_);
  if (now >= *leave_deadline_) {
    LeaveNow(leave_as_, leave_reason_ + ", though not everything was confirmed in time");
  }
}

void WorkerCore::LeaveNow(WorkerExit exit, std::string reason) {
  if (phase_ == Phase::kLeft) return;
  phase_ = Phase::kLeft;
  actions_.emplace_back(Leave{exit, std::move(reason)});
}

void WorkerCore::Tick(Instant now) {
  if (phase_ == Phase::kLinked) CheckSilence(now);
  if (phase_ == Phase::kConnecting && now >= connect_deadline_) LinkLost(now);
  if (phase_ != Phase::kLeft) CheckHandler(now);
  if (phase_ != Phase::kLeft) CheckLeaving(now);
  if (phase_ == Phase::kGreeting) Greet(now);
  if (phase_ != Phase::kLinked) return;
  StartBatch(now);
  SendBeat(now);
}

std::optional<Instant> WorkerCore::NextDeadline() const {
  if (phase_ == Phase::kLeft) return std::nullopt;
  std::optional<Instant> next;
  const auto consider = [&](std::optional<Instant> at) {
    if (at) next = next ? std::min(*next, *at) : *at;
  };
  consider(leave_deadline_);
  if (call_) consider(handler_deadline_);
  switch (phase_) {
    case Phase::kGreeting:
      consider(hello_at_);
      consider(brokerless_since_ + settings_.give_up_after);
      break;
    case Phase::kConnecting:
      consider(connect_deadline_);
      break;
    case Phase::kLinked:
      consider(next_beat_);
      if (!beats_unanswered_.empty()) {
        consider(std::max(beats_unanswered_.front(), last_heard_) + SilenceLimit());
      }
      if (!call_) consider(waiting_.DueAt(NoMoreJobs()));
      break;
    case Phase::kLeft:
      break;
  }
  return next;
}

}  // namespace millrace
