// What stands beside a picture's pixels about turning it: EXIF blocks, which are a TIFF file inside
// another, and XMP.
#pragma once

#include <cstddef>
#include <span>

namespace millrace {

// How to turn the picture to see it upright, 1..8, as Pillow's Image.getexif finds it: the
// orientation of the EXIF block; where that has none, the first tiff:Orientation of the XMP, as an
// attribute or an element. `exif`: with or without one or two "Exif\0\0" before it. Either may be
// empty. 1 where neither says anything, or what they say is out of range. Total.
int FindOrientation(std::span<const std::byte> exif, std::span<const std::byte> xmp);

// Whether an EXIF block has a field for the orientation, whatever is in it. Total.
bool ExifSaysOrientation(std::span<const std::byte> exif);

// Whether an EXIF block has a TIFF header and a directory that begins within the block. Total.
bool ExifParses(std::span<const std::byte> block);

}  // namespace millrace
