// Turning a picture the way its EXIF orientation says.
#pragma once

#include "common/image/pixels.h"

namespace millrace {

// The picture as its orientation (1 to 8, of EXIF's tag 0x0112) wants it seen: 3 is turned by 180
// degrees, 6 a quarter to the right, 8 to the left; 2, 4, 5 and 7 are mirrored. Equals Pillow's
// ImageOps.exif_transpose. May throw std::bad_alloc.
Picture Oriented(Picture picture, int orientation);

// The orientation that does the same as `first` and then `second`. Both are 1 to 8.
int Composed(int first, int second);

// The orientation that undoes this one.
int Inverse(int orientation);

}  // namespace millrace
