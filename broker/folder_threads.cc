#include "broker/folder_threads.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <deque>
#include <system_error>
#include <thread>
#include <utility>

#include "common/base/mutex.h"
#include "common/os/thread_name.h"
#include "common/os/unique_fd.h"

namespace millrace {
namespace {

constexpr auto kPatience = std::chrono::seconds(1);

struct Posted {
  std::uint64_t number = 0;
  FolderRequest request;
};

}  // namespace

// Outlives the object where a folder hangs.
struct FolderThreads::Shared {
  explicit Shared(UniqueFd fd) : event(std::move(fd)) {}

  UniqueFd event;
  Mutex mutex;
  Condition ended;  // a thread
  std::vector<FolderAnswered> answers GUARDED_BY(mutex);
  std::size_t running GUARDED_BY(mutex) = 0;

  void Answer(FolderAnswered answered) {
    {
      const MutexLock lock(mutex);
      answers.push_back(std::move(answered));
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(event.get(), &one, sizeof one);
  }
  void Begun() {
    const MutexLock lock(mutex);
    ++running;
  }
  void Ended() {
    const MutexLock lock(mutex);
    --running;
    ended.NotifyOne();
  }
};

struct FolderThreads::Thread {
  explicit Thread(std::string path) : output(std::move(path)) {}

  const std::string output;
  Mutex mutex;
  Condition wake;
  std::deque<Posted> waiting GUARDED_BY(mutex);
  bool stop GUARDED_BY(mutex) = false;
  bool ended GUARDED_BY(mutex) = false;  // it takes nothing more

  // False where it has ended.
  bool Post(Posted& posted) {
    const MutexLock lock(mutex);
    if (ended) return false;
    waiting.push_back(std::move(posted));
    wake.NotifyOne();
    return true;
  }
  // The next; nothing where it is to end: a folder that nobody holds needs no thread.
  std::optional<Posted> Next(bool held) {
    const MutexLock lock(mutex);
    while (!stop && waiting.empty() && held) wake.Wait(mutex);
    if (stop || waiting.empty()) {
      ended = true;
      return std::nullopt;
    }
    Posted next = std::move(waiting.front());
    waiting.pop_front();
    return next;
  }
  void Stop() {
    const MutexLock lock(mutex);
    stop = true;
    wake.NotifyOne();
  }
  bool HasEnded() {
    const MutexLock lock(mutex);
    return ended;
  }
};

FolderThreads::FolderThreads(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

Result<std::unique_ptr<FolderThreads>> FolderThreads::Create() {
  UniqueFd event(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!event.valid()) {
    return Fail(ErrorCode::kInternal, "cannot make an eventfd: " + ErrnoText(errno));
  }
  return std::unique_ptr<FolderThreads>(
      new FolderThreads(std::make_shared<Shared>(std::move(event))));
}

FolderThreads::~FolderThreads() {
  for (const auto& [output, thread] : threads_) thread->Stop();
  const auto until = std::chrono::steady_clock::now() + kPatience;
  const MutexLock lock(shared_->mutex);
  while (shared_->running > 0 && shared_->ended.WaitUntil(shared_->mutex, until)) {
  }
}

int FolderThreads::event_fd() const { return shared_->event.get(); }

std::size_t FolderThreads::threads() const {
  const MutexLock lock(shared_->mutex);
  return shared_->running;
}

std::uint64_t FolderThreads::Post(const std::string& output, FolderRequest request) {
  Posted posted{++posted_, std::move(request)};
  std::erase_if(threads_, [](const auto& entry) { return entry.second->HasEnded(); });
  const auto found = threads_.find(output);
  if (found != threads_.end() && found->second->Post(posted)) return posted_;
  const auto thread = std::make_shared<Thread>(output);
  thread->Post(posted);
  shared_->Begun();
  try {
    std::thread([shared = shared_, thread] { Run(*shared, *thread); }).detach();
    threads_.insert_or_assign(output, thread);
  } catch (const std::system_error& error) {
    shared_->Ended();
    shared_->Answer({posted_, Fail(ErrorCode::kUnavailable,
                                   "cannot start a thread for " + output + ": " + error.what())});
  }
  return posted_;
}

std::vector<FolderAnswered> FolderThreads::Take() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(shared_->event.get(), &count, sizeof count);
  const MutexLock lock(shared_->mutex);
  return std::exchange(shared_->answers, {});
}

void FolderThreads::Run(Shared& shared, Thread& thread) {
  NameThread("folder");
  RunFolder folder(thread.output);
  while (std::optional<Posted> posted = thread.Next(folder.held())) {
    shared.Answer({posted->number, folder.Execute(posted->request)});
  }
  shared.Ended();
}

}  // namespace millrace
