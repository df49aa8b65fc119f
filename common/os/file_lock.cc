#include "common/os/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

namespace millrace {
namespace {

constexpr auto kPause = std::chrono::milliseconds(20);

std::string Owner(int fd) {
  std::array<char, 300> text{};
  const ssize_t count = pread(fd, text.data(), text.size(), 0);
  std::string owner(text.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  owner = owner.substr(0, owner.find('\n'));
  const std::size_t space = owner.rfind(' ');
  if (space == std::string::npos) return "another process";
  return "process " + owner.substr(space + 1) + " on " + owner.substr(0, space);
}

// A name beside the lock; the lock holds without it.
void NameOwner(int fd) {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  const std::string text = std::string(host.data()) + ' ' + std::to_string(getpid()) + '\n';
  if (ftruncate(fd, 0) == 0) {
    [[maybe_unused]] const ssize_t written = pwrite(fd, text.data(), text.size(), 0);
  }
}

}  // namespace

Result<FileLock> FileLock::Acquire(const std::string& path, Duration wait) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) {
    return Fail(ErrorCode::kWriteFailed, "cannot open " + path + ": " + ErrnoText(errno));
  }
  const SteadyClock clock;
  const Instant until = clock.Now() + wait;
  // flock can wait only for ever, or be woken by a signal that others may want.
  while (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) {
      return Fail(ErrorCode::kInternal, "cannot lock " + path + ": " + ErrnoText(errno));
    }
    if (clock.Now() >= until) {
      return Fail(ErrorCode::kUnavailable, path + " is held by " + Owner(fd.get()));
    }
    std::this_thread::sleep_for(kPause);
  }
  NameOwner(fd.get());
  return FileLock(std::move(fd));
}

}  // namespace millrace
