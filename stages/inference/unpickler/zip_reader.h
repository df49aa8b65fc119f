// The directory of a zip file, and those of its entries that are stored, not compressed: all that
// torch.save writes. (torch.jit.save compresses its code.)
//
//   [local header, name, extra, data] ...  [directory entry] ...  [zip64 end, locator]  [end]
//
// The directory alone is believed; each entry's data range is checked against the file. Checksums
// are not: PyTorch can be told to leave them out.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <unordered_map>

#include "common/base/result.h"

namespace millrace {

class ZipReader {
 public:
  // `file` must outlive the reader. kCorrupt, kTruncated or kUnsupportedFormat.
  static Result<ZipReader> Open(std::span<const std::byte> file);

  static bool LooksLikeZip(std::span<const std::byte> file);

  struct Entry {
    std::span<const std::byte> data;
    bool compressed = false;
  };
  using Entries = std::unordered_map<std::string_view, Entry>;
  [[nodiscard]] const Entries& entries() const { return entries_; }
  // The data of a stored entry; nullptr where there is none of that name.
  [[nodiscard]] const std::span<const std::byte>* Find(std::string_view name) const;

 private:
  Entries entries_;
};

}  // namespace millrace
