#include "broker/state/state_thread.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/os/thread_name.h"

namespace millrace {

StateThread::StateThread(UniqueFd event, GroupCommit commit)
    : event_(std::move(event)), commit_(std::move(commit)), thread_([this] { Run(); }) {}

Result<std::unique_ptr<StateThread>> StateThread::Start(std::unique_ptr<State> state) {
  UniqueFd event(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!event.valid()) {
    return Fail(ErrorCode::kInternal, "cannot make an eventfd: " + ErrnoText(errno));
  }
  return std::unique_ptr<StateThread>(
      new StateThread(std::move(event), GroupCommit(std::move(state))));
}

StateThread::~StateThread() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
    waiting_.clear();
  }
  wake_.NotifyOne();
  thread_.join();
}

std::uint64_t StateThread::Post(StateRequest request) {
  {
    const MutexLock lock(mutex_);
    waiting_.push_back({++posted_, std::move(request)});
  }
  wake_.NotifyOne();
  return posted_;
}

StateProgress StateThread::Take() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(event_.get(), &count, sizeof count);
  const MutexLock lock(mutex_);
  StateProgress taken;
  taken.durable = progress_.durable;
  taken.broken = progress_.broken;
  taken.answers.swap(progress_.answers);
  durable_seen_ = taken.durable;
  return taken;
}

void StateThread::Signal() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(event_.get(), &one, sizeof one);
}

void StateThread::Run() {
  NameThread("state");
  const auto publish = [this](std::vector<StateAnswered> answers, std::uint64_t through) {
    {
      const MutexLock lock(mutex_);
      for (StateAnswered& each : answers) progress_.answers.push_back(std::move(each));
      progress_.durable = through;
    }
    Signal();
  };
  while (true) {
    std::deque<GroupCommit::Posted> batch;
    {
      const MutexLock lock(mutex_);
      while (!stop_ && waiting_.empty()) wake_.Wait(mutex_);
      if (waiting_.empty()) return;
      batch.swap(waiting_);
    }
    if (Result<void> done = commit_.CarryOut(batch, publish); !done) {
      {
        const MutexLock lock(mutex_);
        progress_.broken = done.error();
      }
      return Signal();
    }
  }
}

}  // namespace millrace
