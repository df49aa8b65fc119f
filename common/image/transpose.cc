#include "common/image/transpose.h"

#include <array>
#include <cstring>
#include <utility>

namespace millrace {
namespace {

// Where a turned picture's (x, y) comes from: the axes are exchanged first, then counted from the
// other side.
struct Source {
  bool exchanged = false;
  bool from_right = false;
  bool from_bottom = false;
  friend bool operator==(const Source&, const Source&) = default;
};

constexpr std::array<Source, 9> kSources = {{{},  // none is 0
                                             {false, false, false},
                                             {false, true, false},
                                             {false, true, true},
                                             {false, false, true},
                                             {true, false, false},
                                             {true, false, true},
                                             {true, true, true},
                                             {true, true, false}}};

}  // namespace

Picture Oriented(Picture picture, int orientation) {
  if (orientation <= 1 || orientation > 8) return picture;
  const Source source = kSources[static_cast<std::size_t>(orientation)];
  const int width = source.exchanged ? picture.height : picture.width;
  const int height = source.exchanged ? picture.width : picture.height;
  Picture out = Picture::Uninitialized(picture.mode, width, height);
  out.palette = std::move(picture.palette);
  const std::size_t size = BytesPerPixel(picture.mode);
  for (int y = 0; y < height; ++y) {
    std::uint8_t* to = out.row(y);
    for (int x = 0; x < width; ++x, to += size) {
      int from_x = source.exchanged ? y : x;
      int from_y = source.exchanged ? x : y;
      if (source.from_right) from_x = picture.width - 1 - from_x;
      if (source.from_bottom) from_y = picture.height - 1 - from_y;
      std::memcpy(to, picture.row(from_y) + static_cast<std::size_t>(from_x) * size, size);
    }
  }
  return out;
}

int Composed(int first, int second) {
  const Source a = kSources[static_cast<std::size_t>(first)];
  const Source b = kSources[static_cast<std::size_t>(second)];
  const Source both = {a.exchanged != b.exchanged,
                       a.from_right != (a.exchanged ? b.from_bottom : b.from_right),
                       a.from_bottom != (a.exchanged ? b.from_right : b.from_bottom)};
  int orientation = 1;
  while (kSources[static_cast<std::size_t>(orientation)] != both) ++orientation;
  return orientation;
}

int Inverse(int orientation) {
  if (orientation == 6) return 8;
  return orientation == 8 ? 6 : orientation;  // the others undo themselves
}

}  // namespace millrace
