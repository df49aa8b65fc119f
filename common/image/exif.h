// EXIF blocks: a TIFF file inside another.
#pragma once

#include <cstddef>
#include <span>

namespace millrace {

// Each takes the EXIF block of a JPEG's APP1 segment, a PNG's eXIf or a WebP's EXIF chunk, with or
// without the "Exif\0\0" before it. Total.

// 1..8; 1 where there is none.
int ExifOrientation(std::span<const std::byte> block);

// Whether there is a TIFF header and a directory that begins within the block.
bool ExifParses(std::span<const std::byte> block);

}  // namespace millrace
