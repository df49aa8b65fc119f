#include "broker/state/state_thread.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/os/thread_name.h"

namespace millrace {

StateThread::StateThread(UniqueFd event, std::unique_ptr<State> state, Alone alone)
    : event_(std::move(event)),
      state_(std::move(state)),
      alone_(std::move(alone)),
      thread_([this] { Run(); }) {}

Result<std::unique_ptr<StateThread>> StateThread::Start(std::unique_ptr<State> state, Alone alone) {
  UniqueFd event(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!event.valid()) {
    return Fail(ErrorCode::kInternal, "cannot make an eventfd: " + ErrnoText(errno));
  }
  return std::unique_ptr<StateThread>(
      new StateThread(std::move(event), std::move(state), std::move(alone)));
}

StateThread::~StateThread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

std::uint64_t StateThread::Post(StateRequest request) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({++posted_, std::move(request)});
  }
  wake_.notify_one();
  return posted_;
}

StateThread::Progress StateThread::Take() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(event_.get(), &count, sizeof count);
  const std::lock_guard lock(mutex_);
  Progress taken;
  taken.durable = progress_.durable;
  taken.broken = progress_.broken;
  taken.answers.swap(progress_.answers);
  durable_seen_ = taken.durable;
  return taken;
}

void StateThread::Publish(std::vector<Answered> answers, std::uint64_t through) {
  {
    const std::lock_guard lock(mutex_);
    for (Answered& each : answers) progress_.answers.push_back(std::move(each));
    progress_.durable = through;
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(event_.get(), &one, sizeof one);
}

bool StateThread::Break(Error error) {
  state_->Rollback();
  {
    const std::lock_guard lock(mutex_);
    progress_.broken = std::move(error);
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(event_.get(), &one, sizeof one);
  return false;
}

bool StateThread::Commit(std::vector<Answered>& answers, std::uint64_t through) {
  if (state_->in_transaction()) {
    if (Result<void> committed = state_->Commit(); !committed) return Break(committed.error());
  }
  Publish(std::exchange(answers, {}), through);
  return true;
}

bool StateThread::CarryOut(std::deque<Posted>& batch) {
  std::vector<Answered> answers;
  for (Posted& posted : batch) {
    Result<StateAnswer> answer;
    if (StandsAlone(posted.request)) {
      if (!Commit(answers, posted.number - 1)) return false;
      answer = alone_(*state_, posted.request);
      const bool is_backup = std::holds_alternative<BackUp>(posted.request);
      if (!answer && !is_backup) return Break(answer.error());
    } else {
      if (!state_->in_transaction()) {
        if (Result<void> begun = state_->Begin(); !begun) return Break(begun.error());
      }
      answer = Execute(*state_, posted.request);
      if (!answer && !IsRefusal(answer.error())) return Break(answer.error());
    }
    answers.push_back({posted.number, std::move(answer)});
  }
  return Commit(answers, batch.back().number);
}

void StateThread::Run() {
  NameThread("state");
  while (true) {
    std::deque<Posted> batch;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stop_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      batch.swap(waiting_);
    }
    if (!CarryOut(batch)) return;
  }
}

}  // namespace millrace
