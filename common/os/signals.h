// Signals as something to poll: no handler runs in the middle of anything.
#pragma once

#include <optional>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/os/unique_fd.h"

namespace millrace {

// SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 and SIGCHLD, to be read from a descriptor; SIGPIPE is
// ignored for the process. All but SIGTERM and SIGCHLD stay ignored if the process was started so
// (ChildOptions::ignore_interrupt, a shell's background jobs, nohup).
//
// A SIGHUP is told only where none of the others that end a process has been: when a terminal goes,
// the shell sends one and the kernel another, and neither is somebody who insists.
//
// Open and read it on the main thread, before the first other one: threads inherit the mask. A
// thread that was there before main (OpenBLAS starts some as it is loaded) has the signals open and
// may be handed one; it passes it on to the main thread. The mask is left in place when the object
// goes, so that a late signal cannot end a process that is shutting down. Several pending signals
// of one number are one: after a SIGCHLD, ask every child.
class SignalFd {
 public:
  static Result<SignalFd> Open();

  // Readable while a signal is pending.
  [[nodiscard]] int fd() const { return fd_.get(); }
  // Takes the next pending signal (SIGINT, ...); nullopt when there is none. Never blocks.
  [[nodiscard]] std::optional<int> Next();

 private:
  explicit SignalFd(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
  bool told_to_leave_ = false;  // by a signal that Next has given
};

// What a signal asks of a process that finishes what it has in hand before it leaves.
//
// The first signal of any kind starts that. Schedulers send SIGTERM to each process of a job, twice
// within milliseconds, and may send SIGUSR1 a minute ahead as a warning; a terminal that goes sends
// SIGHUP twice. So only a second SIGINT or a second SIGTERM means "at once", and only if it comes
// kSameOrder or more after both the first of its own kind and the first signal of all.
class StopSignals {
 public:
  enum class Meaning {
    kDrain,   // the first
    kSame,    // the first one once more
    kNoted,   // another kind, later: the draining has begun
    kAtOnce,  // somebody insists
  };
  static constexpr Duration kSameOrder = std::chrono::seconds(1);

  // Takes a signal other than SIGCHLD, in the order in which they came.
  Meaning Take(int signal, Instant now);

 private:
  // When the first of this kind came, of those that can insist; nullptr for the others.
  std::optional<Instant>* FirstOfInsistent(int signal);

  std::optional<Instant> first_;
  std::optional<Instant> first_interrupt_;
  std::optional<Instant> first_terminate_;
};

}  // namespace millrace
