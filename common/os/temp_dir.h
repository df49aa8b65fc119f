// A short private folder for the sockets of one run.
#pragma once

#include <string>
#include <utility>

#include "common/base/result.h"

namespace millrace {

// Made with mode 0700 under $XDG_RUNTIME_DIR (where it is ours and short) or /tmp; removed with all
// that is in it when the object goes. The path has at most kMaxPathBytes, so that a socket's name
// fits behind it: a Unix socket's path ends at 107 bytes.
class TempDir {
 public:
  static constexpr std::size_t kMaxPathBytes = 60;

  static Result<TempDir> Create();
  // In a given folder; kUsage where the path would be too long.
  static Result<TempDir> CreateIn(const std::string& parent);

  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  TempDir& operator=(TempDir&& other) noexcept;
  ~TempDir();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit TempDir(std::string path) : path_(std::move(path)) {}
  void Remove();
  std::string path_;
};

}  // namespace millrace
