#include "common/image/exif.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace millrace {
namespace {

// Reads numbers of either byte order; a place outside the block is nothing.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, bool big_endian) : bytes_(bytes), big_(big_endian) {}

  [[nodiscard]] std::optional<std::uint64_t> Number(std::uint64_t offset, std::size_t size) const {
    if (offset > bytes_.size() || bytes_.size() - offset < size) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t at = static_cast<std::size_t>(offset) + (big_ ? i : size - 1 - i);
      value = value << 8 | std::to_integer<std::uint64_t>(bytes_[at]);
    }
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  bool big_;
};

constexpr std::uint64_t kTagWidth = 0x0100;
constexpr std::uint64_t kTagHeight = 0x0101;
constexpr std::uint64_t kTagOrientation = 0x0112;

// The size of a field's element; 0 for types that none of our tags has.
std::size_t ElementSize(std::uint64_t type) {
  switch (type) {
    case 1:
      return 1;  // BYTE
    case 3:
      return 2;  // SHORT
    case 4:
      return 4;  // LONG
    case 16:
      return 8;  // LONG8, BigTIFF
    default:
      return 0;
  }
}

}  // namespace

std::optional<TiffTags> ReadTiffTags(std::span<const std::byte> bytes) {
  if (bytes.size() < 8) return std::nullopt;
  const bool big_endian = bytes[0] == std::byte{'M'};
  if (bytes[0] != bytes[1] || (!big_endian && bytes[0] != std::byte{'I'})) return std::nullopt;
  const Reader read(bytes, big_endian);
  const std::uint64_t version = read.Number(2, 2).value_or(0);
  if (version != 42 && version != 43) return std::nullopt;
  const bool big_tiff = version == 43;
  const std::size_t count_size = big_tiff ? 8 : 2;
  const std::size_t entry_size = big_tiff ? 20 : 12;
  const std::size_t number_size = big_tiff ? 8 : 4;  // of a field's count, and of its value

  const auto directory = big_tiff ? read.Number(8, 8) : read.Number(4, 4);
  if (!directory) return std::nullopt;
  const auto count = read.Number(*directory, count_size);
  if (!count) return std::nullopt;
  TiffTags tags;
  // libtiff takes the first of several fields of one tag, and refuses one of more than one number:
  // with others than its sides, the caps would be checked in vain.
  bool has_width = false;
  bool has_height = false;
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(*count, 4096); ++i) {
    const std::uint64_t entry = *directory + count_size + i * entry_size;
    const auto tag = read.Number(entry, 2);
    if (!tag) break;
    const std::size_t size = ElementSize(read.Number(entry + 2, 2).value_or(0));
    const bool one = read.Number(entry + 4, number_size) == 1U && size <= number_size;
    const std::uint64_t value = read.Number(entry + 4 + number_size, size).value_or(0);
    const std::int64_t side =
        one && value <= (std::uint64_t{1} << 40) ? static_cast<std::int64_t>(value) : 0;
    if (*tag == kTagWidth && !std::exchange(has_width, true)) tags.width = side;
    if (*tag == kTagHeight && !std::exchange(has_height, true)) tags.height = side;
    if (*tag == kTagOrientation && value >= 1 && value <= 8) {
      tags.orientation = static_cast<int>(value);
    }
  }
  return tags;
}

std::span<const std::byte> TiffOfExif(std::span<const std::byte> block) {
  const bool named = block.size() >= 6 && std::memcmp(block.data(), "Exif\0\0", 6) == 0;
  return named ? block.subspan(6) : block;
}

int ExifOrientation(std::span<const std::byte> block) {
  const auto tags = ReadTiffTags(TiffOfExif(block));
  return tags ? tags->orientation : 1;
}

}  // namespace millrace
