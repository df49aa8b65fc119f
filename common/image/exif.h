// The few tags of a TIFF directory that matter here: EXIF is a TIFF file inside another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace millrace {

struct TiffTags {
  std::int64_t width = 0;   // 0 where absent
  std::int64_t height = 0;  // likewise
  int orientation = 1;      // 1..8; 1 where absent or out of range
};

// The first directory of a TIFF file or EXIF block (classic or BigTIFF, either byte order); nothing
// where it is no TIFF or its directory lies outside `bytes`. Total; reads at most 4,096 entries.
std::optional<TiffTags> ReadTiffTags(std::span<const std::byte> bytes);

// The TIFF file in an EXIF block, behind "Exif\0\0" where that is there.
std::span<const std::byte> TiffOfExif(std::span<const std::byte> block);

// The orientation in the EXIF block of a JPEG's APP1 segment, a PNG's eXIf or a WebP's EXIF chunk,
// with or without the "Exif\0\0" before it; 1 where there is none.
int ExifOrientation(std::span<const std::byte> block);

}  // namespace millrace
