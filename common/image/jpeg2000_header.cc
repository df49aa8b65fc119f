#include "common/image/jpeg2000_header.h"

#include <string_view>

#include "common/image/byte_order.h"

namespace millrace {
namespace {

std::int64_t Big(FileBytes file, std::size_t offset, std::size_t size) {
  return static_cast<std::int64_t>(BigEndian(file, offset, size));
}

bool HasAt(FileBytes file, std::size_t offset, std::string_view wanted) {
  return offset <= file.size() && file.size() - offset >= wanted.size() &&
         std::string_view(reinterpret_cast<const char*>(file.data()) + offset, wanted.size()) ==
             wanted;
}

bool FindStream(FileBytes file, Jpeg2000Header* header) {
  header->stream_end = file.size();
  if (HasAt(file, 0, "\xFF\x4F")) return true;
  header->boxed = true;
  std::size_t at = 0;
  while (file.size() - at >= 16) {
    auto size = static_cast<std::uint64_t>(Big(file, at, 4));
    const std::size_t box = size == 1 ? 16 : 8;
    if (size == 1) size = static_cast<std::uint64_t>(Big(file, at + 8, 8));
    const bool whole = size >= box && size <= file.size() - at;
    if (HasAt(file, at + 4, "jp2c")) {
      header->stream = at + box;
      if (whole) header->stream_end = at + static_cast<std::size_t>(size);
      return true;
    }
    if (!whole) return false;
    at += static_cast<std::size_t>(size);
  }
  return false;
}

}  // namespace

std::optional<Jpeg2000Header> ReadJpeg2000Header(FileBytes file) {
  // From the code stream's start: up to the grid, and up to the first component.
  constexpr std::size_t kGridBytes = 24;
  constexpr std::size_t kComponentBytes = 43;
  Jpeg2000Header header;
  if (!FindStream(file, &header)) return std::nullopt;
  const std::size_t at = header.stream;
  if (!HasAt(file, at, "\xFF\x4F\xFF\x51") || file.size() - at < kGridBytes) return std::nullopt;
  const auto number = [&](std::size_t index) { return Big(file, at + 8 + 4 * index, 4); };
  header.width = number(0) - number(2);
  header.height = number(1) - number(3);
  if (file.size() - at < kComponentBytes) return header;
  const std::int64_t tile_width = number(4);
  const std::int64_t tile_height = number(5);
  if (tile_width > 0 && tile_height > 0) {
    const std::int64_t columns = (number(0) - number(6) + tile_width - 1) / tile_width;
    const std::int64_t rows = (number(1) - number(7) + tile_height - 1) / tile_height;
    if (columns > 0 && rows > 0) header.tiles = columns * rows;
  }
  header.components = static_cast<int>(Big(file, at + 40, 2));
  header.bits = static_cast<int>(Big(file, at + 42, 1) & 0x7F) + 1;
  return header;
}

}  // namespace millrace
