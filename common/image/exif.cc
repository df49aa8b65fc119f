#include "common/image/exif.h"

#include <cstring>

#include "common/image/tiff_directory.h"

namespace millrace {

int ExifOrientation(std::span<const std::byte> block) {
  if (block.size() >= 6 && std::memcmp(block.data(), "Exif\0\0", 6) == 0) block = block.subspan(6);
  const auto header = ReadTiffHeader(block);
  if (!header) return 1;
  const auto directory = TiffDirectory::Read(block, *header, header->first);
  return directory ? directory->Orientation() : 1;
}

}  // namespace millrace
