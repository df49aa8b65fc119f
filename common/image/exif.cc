#include "common/image/exif.h"

#include <cstring>

#include "common/image/tiff_directory.h"

namespace millrace {

std::span<const std::byte> TiffOfExif(std::span<const std::byte> block) {
  const bool named = block.size() >= 6 && std::memcmp(block.data(), "Exif\0\0", 6) == 0;
  return named ? block.subspan(6) : block;
}

namespace {

std::optional<TiffDirectory> DirectoryOf(std::span<const std::byte> tiff) {
  const auto header = ReadTiffHeader(tiff);
  if (!header) return std::nullopt;
  return TiffDirectory::Read(tiff, *header, header->first);
}

}  // namespace

bool ExifParses(std::span<const std::byte> block) {
  return DirectoryOf(TiffOfExif(block)).has_value();
}

int ExifOrientation(std::span<const std::byte> block) {
  const auto directory = DirectoryOf(TiffOfExif(block));
  return directory ? directory->Orientation() : 1;
}

}  // namespace millrace
