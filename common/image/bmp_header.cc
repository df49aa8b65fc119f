#include "common/image/bmp_header.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/image/byte_order.h"

namespace millrace {
namespace {

constexpr std::size_t kFileHeaderBytes = 14;

std::uint32_t Little(FileBytes file, std::size_t offset, std::size_t size) {
  return static_cast<std::uint32_t>(LittleEndian(file, offset, size));
}

}  // namespace

Result<BmpHeader> ReadBmpHeader(FileBytes file) {
  const auto cut = [] { return Fail(ErrorCode::kTruncated, "the BMP ends within its header"); };
  if (file.size() < kFileHeaderBytes + 4) return cut();
  BmpHeader header;
  header.pixel_offset = Little(file, 10, 4);
  const std::size_t size = Little(file, 14, 4);
  if (file.size() < kFileHeaderBytes + size) return cut();
  header.palette_offset = kFileHeaderBytes + size;
  if (size == 12) {
    header.width = Little(file, 18, 2);
    header.height = Little(file, 20, 2);
    header.bits = Little(file, 24, 2);
    header.color_bytes = 3;
  } else if (size >= 40) {
    header.width = Little(file, 18, 4);
    header.height = Little(file, 22, 4);
    header.top_down = header.height >= 0xFF000000;
    if (header.top_down) header.height = (std::int64_t{1} << 32) - header.height;
    header.bits = Little(file, 28, 2);
    header.compression = Little(file, 30, 4);
    header.data_bytes = Little(file, 34, 4);
    header.colors = Little(file, 46, 4);
    if (header.compression == kBmpBitFields) {
      // Behind a header of 40 bytes come three masks; longer headers contain them.
      const std::size_t masks = size >= 56 ? 4 : 3;
      if (file.size() < 54 + 4 * masks) return cut();
      for (std::size_t i = 0; i < masks; ++i) header.masks[i] = Little(file, 54 + 4 * i, 4);
      if (size < 52) header.palette_offset += 12;
    }
  } else {
    return Fail(ErrorCode::kUnsupportedFormat, fmt::format("a BMP header of {} bytes", size));
  }
  if (header.colors == 0) header.colors = header.bits <= 8 ? 1U << header.bits : 0;
  if (header.bits <= 8) {
    const std::size_t palette_bytes = header.color_bytes * header.colors;
    if (header.pixel_offset == kFileHeaderBytes + size) header.pixel_offset += palette_bytes;
    if (header.pixel_offset == 0) header.pixel_offset = header.palette_offset + palette_bytes;
  } else if (header.pixel_offset == 0) {
    header.pixel_offset = header.palette_offset;
  }
  return header;
}

Result<void> CheckBmpPalette(FileBytes file, const BmpHeader& header, PixelMode mode) {
  if (mode != PixelMode::kP || header.palette_offset >= file.size()) return {};
  const std::size_t have = (file.size() - header.palette_offset) / header.color_bytes;
  if (std::min<std::size_t>(header.colors, have) <= 256) return {};
  return Fail(ErrorCode::kCorrupt, fmt::format("a BMP palette of {} colours", header.colors));
}

}  // namespace millrace
