// Pillow's Image.resize(size, BILINEAR) and Image.convert("RGB"), byte for byte.
//
// The reference is Pillow 13.0.0; tests/golden holds the hashes of its pixels. Sources:
// Image.resize (src/PIL/Image.py), Resample.c, Geometry.c and Convert.c (src/libImaging).
#pragma once

#include "common/image/pixels.h"

namespace millrace {

struct PixelSize {
  int width = 0;
  int height = 0;
  friend bool operator==(const PixelSize&, const PixelSize&) = default;
};

// Which of the two passes comes first; each rounds to 8 bits, so that the order shows.
enum class PassOrder {
  k13,     // Pillow 13.0.0: vertical first where that spares much work, see VerticalFirst
  kOlder,  // Pillow 9.4 to 12: always horizontal first
};

bool VerticalFirst(PixelSize in, PixelSize out, PassOrder order);

// The picture in its own mode, at `size`. Bilinear with antialiasing; nearest for "1" and P;
// alpha modes are premultiplied in between. A picture that has that size already is copied as it
// is. May throw std::bad_alloc.
Picture ResizeLikePillow(const Picture& picture, PixelSize size, PassOrder order);

// The picture in mode RGB: palettes looked up, grey spread, CMYK inverted, 16-bit grey clipped at
// 255, alpha dropped. May throw std::bad_alloc.
Picture ToRgb(Picture picture);

}  // namespace millrace
