#include "common/os/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace millrace {

Result<SignalFd> SignalFd::Open() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGCHLD);
  // A blocked signal is queued even where its disposition is "ignore", so ask.
  struct sigaction interrupt {};
  sigaction(SIGINT, nullptr, &interrupt);
  if (interrupt.sa_handler != SIG_IGN) sigaddset(&set, SIGINT);
  if (const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
    return Fail(ErrorCode::kInternal, "cannot block signals: " + ErrnoText(error));
  }
  // Inherited as "ignore" it would reap the children behind our back.
  std::signal(SIGCHLD, SIG_DFL);
  std::signal(SIGPIPE, SIG_IGN);
  UniqueFd fd(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd.valid()) {
    return Fail(ErrorCode::kInternal, "cannot open a signalfd: " + ErrnoText(errno));
  }
  return SignalFd(std::move(fd));
}

std::optional<int> SignalFd::Next() {
  signalfd_siginfo info{};
  for (;;) {
    const ssize_t size = read(fd_.get(), &info, sizeof info);
    if (size == sizeof info) return static_cast<int>(info.ssi_signo);
    if (size < 0 && errno == EINTR) continue;
    return std::nullopt;
  }
}

}  // namespace millrace
