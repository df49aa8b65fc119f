// Signals as something to poll: no handler runs in the middle of anything.
#pragma once

#include <optional>

#include "common/base/result.h"
#include "common/os/unique_fd.h"

namespace millrace {

// SIGINT, SIGTERM, SIGHUP and SIGCHLD, to be read from a descriptor; SIGPIPE is ignored for the
// process. SIGINT and SIGHUP stay ignored where the process was started so
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

}  // namespace millrace
