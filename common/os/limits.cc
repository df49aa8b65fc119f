#include "common/os/limits.h"

#include <sys/resource.h>

#include <cerrno>

namespace millrace {

Result<std::size_t> RaiseOpenFiles() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return Fail(ErrorCode::kInternal, "cannot read the limit on open files: " + ErrnoText(errno));
  }
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  // Some sandboxes refuse; what there was is still there.
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return static_cast<std::size_t>(before);
  return static_cast<std::size_t>(limit.rlim_cur);
}

}  // namespace millrace
