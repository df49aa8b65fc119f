// Files of INPUT that a run is to leave out because they are known to be broken (--skip-broken): a
// file of keys, each with what it was known by. One that has changed since is no longer meant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace millrace {

struct SkippedFile {
  std::string key;
  std::int64_t bytes = 0;
  std::optional<std::int64_t> mtime_ns;  // nothing: an empty file, known by that alone
};

// What stands in the list for a file; the list is these, one behind the other, in any order.
std::string KnownBrokenEntry(const SkippedFile& file);

class KnownBroken {
 public:
  // Of no files.
  KnownBroken() = default;
  // Memory: the list and 8 bytes a file. kUnreadable where it cannot be read, kProtocol where it is
  // no such list.
  static Result<KnownBroken> Load(const std::string& path);

  // Whether this file is in the list as it is now.
  [[nodiscard]] bool Covers(std::string_view key, std::int64_t bytes,
                            std::optional<std::int64_t> mtime_ns) const;

 private:
  [[nodiscard]] std::string_view KeyAt(std::size_t entry) const;

  std::string bytes_;
  std::vector<std::size_t> entries_;  // where each begins, in the order of their keys
};

}  // namespace millrace
