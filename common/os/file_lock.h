// One owner at a time, across processes; the kernel lets go when the owner dies.
#pragma once

#include <string>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/os/unique_fd.h"

namespace millrace {

// An exclusive flock on a file made for it, which names its owner: "HOST PID". libzmq unlinks and
// takes over an ipc path that another broker is serving, without an error: the lock beside the
// socket is what notices.
class FileLock {
 public:
  // Waits up to `wait` for another owner to go. kUnavailable, with the owner's host and process,
  // where it does not; kWriteFailed where the file cannot be made.
  static Result<FileLock> Acquire(const std::string& path, Duration wait = Duration::zero());

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace millrace
