#include "broker/folder_threads.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

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
  std::mutex mutex;
  std::condition_variable wake;         // a request for some thread, or the end of one
  std::vector<FolderAnswered> answers;  // guarded by mutex
  std::size_t running = 0;              // guarded by mutex
  bool stop = false;                    // guarded by mutex

  void Answer(FolderAnswered answered) {
    {
      const std::lock_guard lock(mutex);
      answers.push_back(std::move(answered));
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(event.get(), &one, sizeof one);
  }
};

struct FolderThreads::Thread {
  explicit Thread(std::string path) : output(std::move(path)) {}

  const std::string output;
  std::condition_variable wake;
  std::deque<Posted> waiting;  // guarded by the shared mutex
  bool ended = false;          // guarded by the shared mutex: it takes nothing more
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
  std::unique_lock lock(shared_->mutex);
  shared_->stop = true;
  for (const auto& [output, thread] : threads_) {
    thread->waiting.clear();
    thread->wake.notify_one();
  }
  shared_->wake.wait_for(lock, kPatience, [&] { return shared_->running == 0; });
}

int FolderThreads::event_fd() const { return shared_->event.get(); }

std::size_t FolderThreads::threads() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->running;
}

std::uint64_t FolderThreads::Post(const std::string& output, FolderRequest request) {
  const std::uint64_t number = ++posted_;
  {
    const std::lock_guard lock(shared_->mutex);
    std::erase_if(threads_, [](const auto& entry) { return entry.second->ended; });
    const auto found = threads_.find(output);
    if (found != threads_.end()) {
      found->second->waiting.push_back({number, std::move(request)});
      found->second->wake.notify_one();
      return number;
    }
    ++shared_->running;
  }
  auto thread = std::make_shared<Thread>(output);
  thread->waiting.push_back({number, std::move(request)});
  try {
    std::thread([shared = shared_, thread] { Run(shared, thread); }).detach();
    threads_.emplace(output, std::move(thread));
  } catch (const std::system_error& error) {
    {
      const std::lock_guard lock(shared_->mutex);
      --shared_->running;
    }
    shared_->Answer({number, Fail(ErrorCode::kUnavailable,
                                  "cannot start a thread for " + output + ": " + error.what())});
  }
  return number;
}

std::vector<FolderAnswered> FolderThreads::Take() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(shared_->event.get(), &count, sizeof count);
  const std::lock_guard lock(shared_->mutex);
  return std::exchange(shared_->answers, {});
}

void FolderThreads::Run(const std::shared_ptr<Shared>& shared,
                        const std::shared_ptr<Thread>& thread) {
  NameThread("folder");
  RunFolder folder(thread->output);
  std::unique_lock lock(shared->mutex);
  while (true) {
    // A folder that nobody holds needs no thread.
    thread->wake.wait(lock,
                      [&] { return shared->stop || !thread->waiting.empty() || !folder.held(); });
    if (thread->waiting.empty()) break;
    Posted posted = std::move(thread->waiting.front());
    thread->waiting.pop_front();
    lock.unlock();
    Result<FolderAnswer> answer = folder.Execute(posted.request);
    shared->Answer({posted.number, std::move(answer)});
    lock.lock();
  }
  thread->ended = true;
  --shared->running;
  shared->wake.notify_one();
}

}  // namespace millrace
