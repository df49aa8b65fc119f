// INPUT and OUTPUT of a run as places: where a path of INPUT really leads.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/stage/stage.h"

namespace millrace {

// Which directory it is, whatever its path.
struct DirectoryId {
  dev_t device = 0;
  ino_t inode = 0;
  static DirectoryId Of(const struct stat& status) { return {status.st_dev, status.st_ino}; }
  friend bool operator==(const DirectoryId&, const DirectoryId&) = default;
};

class InputTree {
 public:
  enum class Place { kInside, kOutside, kOutput };

  // kUnreadable where INPUT cannot be resolved.
  static Result<InputTree> Open(const RunInfo& run);

  // INPUT itself for "".
  [[nodiscard]] std::string FullPath(std::string_view key) const;
  // Where a path without links (realpath's) lies.
  [[nodiscard]] Place PlaceOf(std::string_view real_path) const;
  // The key of a path without links; nothing where it lies outside INPUT.
  [[nodiscard]] std::optional<std::string> KeyOf(std::string_view real_path) const;
  [[nodiscard]] const std::string& input() const { return input_; }
  [[nodiscard]] const std::string& real_input() const { return real_input_; }
  // Whether it is OUTPUT, which may have come into being only now.
  [[nodiscard]] bool IsOutput(const DirectoryId& directory) const;

 private:
  InputTree() = default;

  std::string input_;       // as given, without a slash at its end
  std::string real_input_;  // without links
  std::string output_;      // as given; "" where nothing is written
};

// realpath(3): the path without links, "." and ".."; nothing, with errno set, where it fails.
std::optional<std::string> RealPath(const std::string& path);

// Whether the key names a directory of millrace's own (reports, temporary files), which is no part
// of anybody's input.
bool IsStateDirectory(std::string_view key);

}  // namespace millrace
