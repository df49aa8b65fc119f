#include "stages/scanner/list_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "common/base/path_below.h"

namespace millrace {

Result<ListFile> OpenListFile(const std::string& path, const std::string& what) {
  if (!IsAbsolutePath(path)) {
    return Fail(ErrorCode::kUsage, what + " is named by an absolute path, not by '" + path + "'");
  }
  // Not waited for, whatever it is.
  const int fd = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  ListFile file(fd < 0 ? nullptr : fdopen(fd, "r"), &std::fclose);
  struct stat status {};
  if (file == nullptr || fstat(fd, &status) != 0) {
    return Fail(ErrorCode::kUnreadable,
                "cannot read " + what + " " + path + ": " + ErrnoText(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return Fail(ErrorCode::kUnreadable, "cannot read " + what + " " + path + ": it is not a file");
  }
  return file;
}

}  // namespace millrace
