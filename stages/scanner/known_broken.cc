#include "stages/scanner/known_broken.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "stages/scanner/list_file.h"

namespace millrace {
namespace {

// "BYTES MTIME_NS KEY" and a null byte, which no key has.
constexpr char kEnd = '\0';
constexpr std::string_view kNoTime = "-";

std::string Known(std::int64_t bytes, const std::optional<std::int64_t>& mtime_ns) {
  return std::to_string(bytes) + ' ' +
         (mtime_ns ? std::to_string(*mtime_ns) : std::string(kNoTime));
}

}  // namespace

std::string KnownBrokenEntry(const SkippedFile& file) {
  return Known(file.bytes, file.mtime_ns) + ' ' + file.key + kEnd;
}

Result<KnownBroken> KnownBroken::Load(const std::string& path) {
  KnownBroken list;
  ASSIGN_OR_RETURN(const ListFile file, OpenListFile(path, "the list of broken files"));
  std::array<char, 64 * 1024> block;
  while (const std::size_t size = std::fread(block.data(), 1, block.size(), file.get())) {
    list.bytes_.append(block.data(), size);
  }
  if (std::ferror(file.get()) != 0) {
    return Fail(ErrorCode::kUnreadable,
                "cannot read the list of broken files " + path + ": " + ErrnoText(errno));
  }
  for (std::size_t at = 0; at < list.bytes_.size();) {
    const std::size_t end = list.bytes_.find(kEnd, at);
    const std::size_t first = list.bytes_.find(' ', at);
    if (end == std::string::npos || first > end || list.bytes_.find(' ', first + 1) > end) {
      return Fail(ErrorCode::kProtocol, path + " is no list of broken files");
    }
    list.entries_.push_back(at);
    at = end + 1;
  }
  std::sort(list.entries_.begin(), list.entries_.end(),
            [&list](std::size_t a, std::size_t b) { return list.KeyAt(a) < list.KeyAt(b); });
  return list;
}

bool KnownBroken::Covers(std::string_view key, std::int64_t bytes,
                         std::optional<std::int64_t> mtime_ns) const {
  auto found =
      std::lower_bound(entries_.begin(), entries_.end(), key,
                       [this](std::size_t entry, std::string_view k) { return KeyAt(entry) < k; });
  for (; found != entries_.end() && KeyAt(*found) == key; ++found) {
    const std::string_view entry = std::string_view(bytes_).substr(*found);
    if (entry.starts_with(Known(bytes, mtime_ns) + ' ') ||
        (bytes == 0 && entry.starts_with(Known(0, std::nullopt) + ' '))) {
      return true;
    }
  }
  return false;
}

std::string_view KnownBroken::KeyAt(std::size_t entry) const {
  const std::size_t start = bytes_.find(' ', bytes_.find(' ', entry) + 1) + 1;
  return std::string_view(bytes_).substr(start, bytes_.find(kEnd, start) - start);
}

}  // namespace millrace
