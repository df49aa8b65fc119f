#include "stages/inference/skin_tone/skin_tone.h"

#include <cstddef>

namespace millrace {
namespace {

// libjpeg's jccolor.c: coefficients times 2^16; the offset is 128 and all but one half, so that the
// largest sum still fits a byte.
constexpr int kOffset = (128 << 16) + (1 << 15) - 1;

constexpr bool IsSkin(int red, int green, int blue) {
  const int cb = (-11059 * red - 21709 * green + 32768 * blue + kOffset) >> 16;
  const int cr = (32768 * red - 27439 * green - 5329 * blue + kOffset) >> 16;
  return cb >= 77 && cb <= 127 && cr >= 133 && cr <= 173;
}

}  // namespace

Result<std::vector<Labels>> SkinTone::Segment(const PictureBatch& batch) {
  const auto pixels = static_cast<std::size_t>(batch.height * batch.width);
  std::vector<Labels> all;
  for (const auto& picture : batch.pictures) {
    if (picture.size() != pixels * 3) {
      return Fail(ErrorCode::kInternal, "a picture's bytes are not height x width x 3");
    }
    Labels& labels = all.emplace_back(pixels);
    for (std::size_t i = 0; i < pixels; ++i) {
      const auto value = [&](std::size_t channel) {
        return std::to_integer<int>(picture[3 * i + channel]);
      };
      labels[i] = IsSkin(value(0), value(1), value(2)) ? 1 : 0;
    }
  }
  return all;
}

}  // namespace millrace
