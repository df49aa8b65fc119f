#include "common/image/transpose.h"

#include <cstring>
#include <utility>

namespace millrace {

Picture Oriented(Picture picture, int orientation) {
  if (orientation <= 1 || orientation > 8) return picture;
  const bool turned = orientation >= 5;
  // Where output (x, y) comes from, once turned pictures have had their axes exchanged.
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const int width = turned ? picture.height : picture.width;
  const int height = turned ? picture.width : picture.height;
  Picture out = Picture::Uninitialized(picture.mode, width, height);
  out.palette = std::move(picture.palette);
  const std::size_t size = BytesPerPixel(picture.mode);
  for (int y = 0; y < height; ++y) {
    std::uint8_t* to = out.row(y);
    for (int x = 0; x < width; ++x, to += size) {
      int from_x = turned ? y : x;
      int from_y = turned ? x : y;
      if (from_right) from_x = picture.width - 1 - from_x;
      if (from_bottom) from_y = picture.height - 1 - from_y;
      std::memcpy(to, picture.row(from_y) + static_cast<std::size_t>(from_x) * size, size);
    }
  }
  return out;
}

}  // namespace millrace
