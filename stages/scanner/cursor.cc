#include "stages/scanner/cursor.h"

#include <fmt/format.h>

#include <charconv>

namespace millrace {
namespace {

constexpr std::string_view kVersion = "2";

// Cuts the first word off `text`; false where no space follows it.
bool CutWord(std::string_view& text, std::string_view& word) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return false;
  word = text.substr(0, space);
  text.remove_prefix(space + 1);
  return true;
}

std::optional<std::uint64_t> Number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value, base);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

}  // namespace

std::string ScanCursor::Encode() const {
  return fmt::format("{} {} {} {} {}", kVersion, images,
                     threshold ? fmt::format("{:016x}", *threshold) : "-", unread, position);
}

Result<ScanCursor> ScanCursor::Decode(std::string_view text) {
  if (text.empty()) return ScanCursor();
  const auto malformed = [] {
    return Fail(ErrorCode::kProtocol, "a scan job carries a cursor that this scanner cannot read");
  };
  std::string_view version, images, threshold, unread;
  if (!CutWord(text, version) || !CutWord(text, images) || !CutWord(text, threshold) ||
      !CutWord(text, unread)) {
    return malformed();
  }
  ScanCursor cursor;
  const auto image_count = Number(images, 10);
  const auto unread_count = Number(unread, 10);
  if (version != kVersion || !image_count || !unread_count) return malformed();
  cursor.images = *image_count;
  cursor.unread = *unread_count;
  if (threshold != "-") {
    cursor.threshold = Number(threshold, 16);
    if (threshold.size() != 16 || !cursor.threshold) return malformed();
  }
  cursor.position = std::string(text);
  return cursor;
}

}  // namespace millrace
