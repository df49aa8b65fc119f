#include "common/image/exif.h"

#include <cstring>
#include <optional>

#include "common/image/tiff_directory.h"

namespace millrace {
namespace {

std::optional<TiffDirectory> ReadExif(FileBytes block) {
  if (block.size() >= 6 && std::memcmp(block.data(), "Exif\0\0", 6) == 0) block = block.subspan(6);
  const auto header = ReadTiffHeader(block);
  if (!header) return std::nullopt;
  return TiffDirectory::Read(block, *header, header->first);
}

}  // namespace

int ExifOrientation(std::span<const std::byte> block) {
  const auto directory = ReadExif(block);
  return directory ? directory->Orientation() : 1;
}

bool ExifParses(std::span<const std::byte> block) { return ReadExif(block).has_value(); }

}  // namespace millrace
