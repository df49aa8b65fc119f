// One owner at a time, across processes; the kernel lets go when the owner dies.
#pragma once

#include <string>

#include "common/base/result.h"
#include "common/os/unique_fd.h"

namespace millrace {

// An exclusive flock on a file made for it. libzmq unlinks and takes over an ipc path that another
// broker is serving, without an error: the lock beside the socket is what notices.
class FileLock {
 public:
  // Never waits: kUnavailable where another holds it, kWriteFailed where the file cannot be made.
  static Result<FileLock> Acquire(const std::string& path);

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace millrace
