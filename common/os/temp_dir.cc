#include "common/os/temp_dir.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace millrace {

Result<TempDir> TempDir::CreateIn(const std::string& parent) {
  std::string path = parent + "/mr-XXXXXX";
  if (path.size() > kMaxPathBytes) {
    return Fail(ErrorCode::kUsage, "a folder for sockets in " + parent +
                                       " would have a path too long for a Unix socket");
  }
  if (mkdtemp(path.data()) == nullptr) {
    return Fail(ErrorCode::kWriteFailed,
                "cannot make a folder for sockets in " + parent + ": " + ErrnoText(errno));
  }
  return TempDir(std::move(path));
}

Result<TempDir> TempDir::Create() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && *runtime == '/') {
    if (auto made = CreateIn(runtime)) return made;
  }
  return CreateIn("/tmp");
}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  if (this != &other) {
    Remove();
    path_ = std::exchange(other.path_, "");
  }
  return *this;
}

TempDir::~TempDir() { Remove(); }

void TempDir::Remove() {
  if (path_.empty()) return;
  std::error_code ignored;  // a leftover folder of sockets harms nobody
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace millrace
