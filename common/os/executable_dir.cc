#include "common/os/executable_dir.h"

#include <filesystem>
#include <system_error>

namespace millrace {

Result<std::string> ExecutableDir() {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) {
    return Fail(ErrorCode::kInternal, "cannot read /proc/self/exe: " + ErrnoText(error.value()));
  }
  return path.parent_path().string();
}

}  // namespace millrace
