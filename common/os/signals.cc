#include "common/os/signals.h"

#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <initializer_list>

namespace millrace {
namespace {

// A thread that a library started before main (OpenBLAS does when it is loaded) does not block the
// signals, so the kernel may hand them to it. It passes them on to the main thread, where they are
// blocked and wait for the signalfd.
void PassToMainThread(int signal) {
  const int before = errno;
  syscall(SYS_tgkill, getpid(), getpid(), signal);
  errno = before;
}

// Those that may be inherited as "ignore", and then stay so.
constexpr std::initializer_list<int> kMayBeIgnored = {SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

// A signalfd gives the lowest number first: SIGHUP, though another came before it.
bool IsPending(int signal) {
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, signal) == 1;
}

}  // namespace

Result<SignalFd> SignalFd::Open() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGCHLD);
  // A blocked signal is queued even where its disposition is "ignore", so ask.
  for (const int signal : kMayBeIgnored) {
    struct sigaction inherited {};
    sigaction(signal, nullptr, &inherited);
    if (inherited.sa_handler != SIG_IGN) sigaddset(&set, signal);
  }
  if (const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
    return Fail(ErrorCode::kInternal, "cannot block signals: " + ErrnoText(error));
  }
  struct sigaction pass_on {};
  pass_on.sa_handler = PassToMainThread;
  pass_on.sa_flags = SA_RESTART;
  // SIGCHLD too: inherited as "ignore" it would reap the children behind our back.
  for (const int signal : {SIGTERM, SIGCHLD, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) {
    if (sigismember(&set, signal) == 1) sigaction(signal, &pass_on, nullptr);
  }
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
    if (size < 0 && errno == EINTR) continue;
    if (size != sizeof info) return std::nullopt;
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal == SIGHUP && (told_to_leave_ || IsPending(SIGTERM) || IsPending(SIGINT))) continue;
    told_to_leave_ = told_to_leave_ || signal != SIGCHLD;
    return signal;
  }
}

StopSignals::Meaning StopSignals::Take(int signal, Instant now) {
  if (!first_) {
    first_ = now;
    if (std::optional<Instant>* mine = FirstOfInsistent(signal)) *mine = now;
    return Meaning::kDrain;
  }
  std::optional<Instant>* first_of_kind = FirstOfInsistent(signal);
  const bool again = first_of_kind != nullptr && first_of_kind->has_value();
  if (first_of_kind != nullptr && !again) *first_of_kind = now;
  if (now - *first_ < kSameOrder) return Meaning::kSame;
  if (!again) return Meaning::kNoted;
  return now - **first_of_kind < kSameOrder ? Meaning::kSame : Meaning::kAtOnce;
}

std::optional<Instant>* StopSignals::FirstOfInsistent(int signal) {
  if (signal == SIGINT) return &first_interrupt_;
  return signal == SIGTERM ? &first_terminate_ : nullptr;
}

}  // namespace millrace
