#include "common/image/inspect/heif_boxes.h"

#include <algorithm>
#include <cstdint>

namespace millrace {
namespace {

constexpr std::size_t kHeadBytes = 8;  // size, type

std::uint64_t Big(FileBytes bytes, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
  }
  return value;
}

// Four characters; what was appended to a file rarely looks like that.
bool IsType(std::string_view type) {
  return std::all_of(type.begin(), type.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

HeifBoxes ReadHeifBoxes(FileBytes file) {
  HeifBoxes boxes;
  while (file.size() - boxes.end >= kHeadBytes) {
    const std::size_t left = file.size() - boxes.end;
    const std::string_view type(reinterpret_cast<const char*>(file.data()) + boxes.end + 4, 4);
    if (!IsType(type)) break;
    std::uint64_t size = Big(file, boxes.end, 4);
    std::size_t head = kHeadBytes;
    if (size == 1) {
      head += 8;
      if (left < head) break;
      size = Big(file, boxes.end + kHeadBytes, 8);
    } else if (size == 0) {  // up to the file's end
      size = left;
    }
    if (size < head) break;
    if (type == "moov") boxes.sequence = true;
    if (size > left) {
      boxes.cut = type;
      break;
    }
    boxes.end += static_cast<std::size_t>(size);
  }
  return boxes;
}

}  // namespace millrace
