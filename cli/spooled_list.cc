#include "cli/spooled_list.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <vector>

#include "common/os/unique_fd.h"

namespace millrace::cli {
namespace {

constexpr std::size_t kBlockBytes = 64 * 1024;

// False once a signal has come instead.
bool AwaitReadable(int fd, SpoolInterrupt* interrupt) {
  std::array<pollfd, 2> fds = {
      {{fd, POLLIN, 0}, {interrupt != nullptr ? interrupt->signals.fd() : -1, POLLIN, 0}}};
  for (;;) {
    if (poll(fds.data(), fds.size(), -1) < 0) continue;  // EINTR
    while (fds[1].revents != 0) {
      const std::optional<int> signal = interrupt->signals.Next();
      if (!signal) break;
      if (*signal == SIGCHLD) continue;
      interrupt->signal = *signal;
      return false;
    }
    if (fds[0].revents != 0) return true;
  }
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Result<void> SpoolList(const std::string& from, const std::string& to, SpoolInterrupt* interrupt) {
  const std::string name = from == "-" ? "the list on stdin" : "the list " + from;
  UniqueFd opened;
  // A FIFO that nobody writes to yet is not waited for here, where no signal is seen.
  if (from != "-") opened = UniqueFd(open(from.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const int source = from == "-" ? STDIN_FILENO : opened.get();
  if (source < 0) {
    return Fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnreadable,
                "cannot read " + name + ": " + ErrnoText(errno));
  }
  const UniqueFd copy(open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  std::vector<char> block(kBlockBytes);
  bool written = copy.valid();
  while (written) {
    if (!AwaitReadable(source, interrupt)) {
      return Fail(ErrorCode::kUnavailable, "interrupted while reading " + name);
    }
    const ssize_t size = read(source, block.data(), block.size());
    if (size == 0) return {};
    if (size < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      return Fail(ErrorCode::kUnreadable, "cannot read " + name + ": " + ErrnoText(errno));
    }
    written = WriteAll(copy.get(), {block.data(), static_cast<std::size_t>(size)});
  }
  return Fail(ErrorCode::kWriteFailed,
              "cannot copy " + name + " to " + to + ": " + ErrnoText(errno));
}

}  // namespace millrace::cli
