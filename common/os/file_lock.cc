#include "common/os/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

namespace millrace {

Result<FileLock> FileLock::Acquire(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) {
    return Fail(ErrorCode::kWriteFailed, "cannot open " + path + ": " + ErrnoText(errno));
  }
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return Fail(ErrorCode::kUnavailable, path + " is held by another process");
    }
    return Fail(ErrorCode::kInternal, "cannot lock " + path + ": " + ErrnoText(errno));
  }
  return FileLock(std::move(fd));
}

}  // namespace millrace
