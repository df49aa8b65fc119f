// The names of one directory, sorted by bytes, held compactly: a million names of 12 bytes take
// about 30 MB.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace millrace {

class DirectoryNames {
 public:
  // A name and its d_type (DT_REG, DT_DIR, ..., DT_UNKNOWN); the text ends with NUL, and lives as
  // long as the DirectoryNames.
  struct Name {
    std::string_view text;
    unsigned char type;
  };

  DirectoryNames() = default;

  // Reads the directory open at `fd`, which stays the caller's; "." and ".." and names not above
  // `after` are left out, except `after` itself where `with_after` is set. Returns 0, or the errno
  // that reading ended with: what was read until then is kept.
  int Load(int fd, std::string_view after, bool with_after);

  [[nodiscard]] std::size_t size() const { return names_.size(); }
  [[nodiscard]] Name operator[](std::size_t index) const;
  [[nodiscard]] std::size_t bytes() const { return bytes_; }  // of memory, about
  void Clear();

 private:
  void Add(std::string_view name, unsigned char type);

  // One byte d_type, the name, NUL; one after the other, in blocks that never move.
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t block_used_ = 0;
  std::size_t block_size_ = 0;
  std::vector<const char*> names_;
  std::size_t bytes_ = 0;
};

}  // namespace millrace
