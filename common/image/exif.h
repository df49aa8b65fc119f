// The orientation in an EXIF block, which is a TIFF file inside another.
#pragma once

#include <cstddef>
#include <span>

namespace millrace {

// The TIFF file in an EXIF block, behind "Exif\0\0" where that is there.
std::span<const std::byte> TiffOfExif(std::span<const std::byte> block);

// Whether the block has a directory.
bool ExifParses(std::span<const std::byte> block);

// The orientation in the EXIF block of a JPEG's APP1 segment, a PNG's eXIf or a WebP's EXIF chunk,
// with or without the "Exif\0\0" before it; 1 where there is none. Total.
int ExifOrientation(std::span<const std::byte> block);

}  // namespace millrace
