#include <algorithm>
#include <cstring>
#include <utility>

#include "common/image/resize.h"

namespace millrace {
namespace {

// cmyk2rgb in Convert.c.
void CmykToRgb(const std::uint8_t* from, std::uint8_t* to) {
  const unsigned light = 255U - from[3];
  for (int c = 0; c < 3; ++c) {
    const unsigned t = from[c] * light + 128;
    to[c] = static_cast<std::uint8_t>(light - (((t >> 8) + t) >> 8));
  }
}

void Spread(std::uint8_t grey, std::uint8_t* to) { to[0] = to[1] = to[2] = grey; }

}  // namespace

Picture ToRgb(Picture picture) {
  if (picture.mode == PixelMode::kRGB) return picture;
  Picture rgb = Picture::Uninitialized(PixelMode::kRGB, picture.width, picture.height);
  const std::size_t step = BytesPerPixel(picture.mode);
  const std::uint8_t* from = picture.bytes.data();
  const std::uint8_t* const end = from + picture.bytes.size();
  std::uint8_t* to = rgb.bytes.data();
  const Palette palette = picture.palette ? *picture.palette : Palette{};
  for (; from != end; from += step, to += 3) {
    switch (picture.mode) {
      case PixelMode::kBilevel:
      case PixelMode::kL:
      case PixelMode::kLA:
        Spread(*from, to);
        break;
      case PixelMode::kP:
        std::memcpy(to, palette.data() + std::size_t{3} * *from, 3);
        break;
      case PixelMode::kRGB:
      case PixelMode::kRGBA:
        std::memcpy(to, from, 3);
        break;
      case PixelMode::kCMYK:
        CmykToRgb(from, to);
        break;
      case PixelMode::kI16:
      case PixelMode::kI: {
        std::uint16_t grey = 0;
        std::memcpy(&grey, from, sizeof grey);
        Spread(static_cast<std::uint8_t>(std::min<int>(grey, 255)), to);
        break;
      }
    }
  }
  return rgb;
}

}  // namespace millrace
