// Lines that come in any order and are wanted sorted by key, however many: an external merge sort.
//
// Up to kBufferBytes wait in memory; then they are sorted and appended to an unlinked file. Reading
// merges the sorted stretches. 10⁶ failures of 250 bytes cost 60 stretches and under 8 MiB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/os/unique_fd.h"

namespace millrace {

class SortedSpool {
 public:
  static constexpr std::size_t kBufferBytes = 4u << 20;

  // The file is made in `directory` when it is first needed.
  explicit SortedSpool(std::string directory, std::size_t buffer_bytes = kBufferBytes)
      : directory_(std::move(directory)), buffer_bytes_(buffer_bytes) {}

  // kWriteFailed where the file cannot be written; the line is then lost.
  Result<void> Add(std::string key, std::string line);

  [[nodiscard]] std::size_t size() const { return count_; }

  // Gives every line in the order of its key (bytes), equal keys in the order of coming. Stops at
  // the first error that `write` returns.
  Result<void> ForEach(const std::function<Result<void>(std::string_view line)>& write);

 private:
  struct Entry {
    std::string key;
    std::string line;
  };
  // A sorted part of the file.
  struct Stretch {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };
  class Cursor;

  void SortBuffer();
  Result<void> Flush();

  std::string directory_;
  std::size_t buffer_bytes_;
  UniqueFd file_;
  std::uint64_t file_size_ = 0;
  std::vector<Stretch> stretches_;
  std::vector<Entry> buffer_;
  std::size_t buffered_bytes_ = 0;
  std::size_t count_ = 0;
};

}  // namespace millrace
