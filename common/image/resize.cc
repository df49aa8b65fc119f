#include "common/image/resize.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "common/image/resize_kernels.h"
#include "common/image/resize_weights.h"

namespace millrace {
namespace {

PixelSize SizeOf(const Picture& picture) { return {picture.width, picture.height}; }

std::unique_ptr<Palette> CopyOf(const std::unique_ptr<Palette>& palette) {
  return palette ? std::make_unique<Palette>(*palette) : nullptr;
}

Picture Copy(const Picture& picture) {
  Picture copy = Picture::Uninitialized(picture.mode, picture.width, picture.height);
  std::memcpy(copy.bytes.data(), picture.bytes.data(), picture.bytes.size());
  copy.palette = CopyOf(picture.palette);
  return copy;
}

// ImagingScaleAffine with NEAREST in Geometry.c: the source of output i is floor((i + 0.5) * in /
// out), computed by adding the scale up, as there: the sums round differently from products.
std::vector<int> NearestSources(int in_size, int out_size) {
  const double scale = static_cast<double>(in_size) / out_size;
  std::vector<int> sources(static_cast<std::size_t>(out_size));
  double at = scale * 0.5;
  for (int& source : sources) {
    source = std::min(static_cast<int>(at), in_size - 1);
    at += scale;
  }
  return sources;
}

Picture Nearest(const Picture& in, PixelSize size) {
  Picture out = Picture::Uninitialized(in.mode, size.width, size.height);
  out.palette = CopyOf(in.palette);
  const std::vector<int> columns = NearestSources(in.width, size.width);
  const std::vector<int> rows = NearestSources(in.height, size.height);
  for (int y = 0; y < size.height; ++y) {
    const std::uint8_t* from = in.row(rows[static_cast<std::size_t>(y)]);
    std::uint8_t* to = out.row(y);
    for (const int column : columns) *to++ = from[column];
  }
  return out;
}

Picture Horizontal8(const Picture& in, int width) {
  Picture out = Picture::Uninitialized(in.mode, width, in.height);
  const HorizontalPass pass(BilinearWeights(in.width, width),
                            static_cast<int>(BytesPerPixel(in.mode)));
  pass.Run(in.bytes.data(), in.stride(), out.bytes.data(), out.stride(), in.height);
  return out;
}

Picture Vertical8(const Picture& in, int height) {
  Picture out = Picture::Uninitialized(in.mode, in.width, height);
  VerticalPass(BilinearWeights(in.height, height), in.bytes.data(), in.stride(), in.stride(),
               out.bytes.data(), out.stride());
  return out;
}

// Samples of more than 8 bits go through double sums (the *_16bpc and *_32bpc functions of
// Resample.c), in this order.
std::uint16_t Weighted16(const double* weights, int count, const std::uint8_t* in,
                         std::size_t step) {
  double sum = 0.0;
  for (int j = 0; j < count; ++j) {
    std::uint16_t sample = 0;
    std::memcpy(&sample, in + static_cast<std::size_t>(j) * step, sizeof sample);
    sum += sample * weights[j];
  }
  return static_cast<std::uint16_t>(std::min(static_cast<int>(sum + 0.5), 65535));
}

Picture Horizontal16(const Picture& in, int width) {
  Picture out = Picture::Uninitialized(in.mode, width, in.height);
  const AxisWeights axis = BilinearWeights(in.width, width);
  for (int y = 0; y < in.height; ++y) {
    for (int x = 0; x < width; ++x) {
      const auto i = static_cast<std::size_t>(x);
      const std::uint16_t value =
          Weighted16(axis.exact.data() + i * static_cast<std::size_t>(axis.taps), axis.count[i],
                     in.row(y) + 2 * static_cast<std::size_t>(axis.first[i]), 2);
      std::memcpy(out.row(y) + 2 * i, &value, sizeof value);
    }
  }
  return out;
}

Picture Vertical16(const Picture& in, int height) {
  Picture out = Picture::Uninitialized(in.mode, in.width, height);
  const AxisWeights axis = BilinearWeights(in.height, height);
  for (int y = 0; y < height; ++y) {
    const auto i = static_cast<std::size_t>(y);
    for (int x = 0; x < in.width; ++x) {
      const std::uint16_t value =
          Weighted16(axis.exact.data() + i * static_cast<std::size_t>(axis.taps), axis.count[i],
                     in.row(axis.first[i]) + 2 * x, in.stride());
      std::memcpy(out.row(y) + 2 * x, &value, sizeof value);
    }
  }
  return out;
}

Picture Bilinear(const Picture& in, PixelSize size, PassOrder order) {
  const bool wide = in.mode == PixelMode::kI16 || in.mode == PixelMode::kI;
  const auto horizontal = wide ? Horizontal16 : Horizontal8;
  const auto vertical = wide ? Vertical16 : Vertical8;
  if (in.width == size.width) return vertical(in, size.height);
  if (in.height == size.height) return horizontal(in, size.width);
  return VerticalFirst(SizeOf(in), size, order) ? horizontal(vertical(in, size.height), size.width)
                                                : vertical(horizontal(in, size.width), size.height);
}

// a * b / 255, rounded (MULDIV255 in ImagingUtils.h).
std::uint8_t MultiplyDivide255(unsigned a, unsigned b) {
  const unsigned t = a * b + 128;
  return static_cast<std::uint8_t>(((t >> 8) + t) >> 8);
}

// RGBA or LA as RGBa: four channels, the colours multiplied by alpha.
Picture Premultiplied(const Picture& in) {
  Picture out = Picture::Uninitialized(PixelMode::kRGBA, in.width, in.height);
  const std::size_t step = BytesPerPixel(in.mode);
  const std::uint8_t* from = in.bytes.data();
  const std::uint8_t* const end = from + in.bytes.size();
  for (std::uint8_t* to = out.bytes.data(); from != end; from += step, to += 4) {
    const std::uint8_t alpha = from[step - 1];
    for (std::size_t c = 0; c < 3; ++c) {
      to[c] = MultiplyDivide255(from[step == 4 ? c : 0], alpha);
    }
    to[3] = alpha;
  }
  return out;
}

// Back in place (rgba2rgbA's inverse in Convert.c: truncated, unchanged where alpha is 0 or 255).
void Unpremultiply(Picture& picture) {
  std::uint8_t* const end = picture.bytes.data() + picture.bytes.size();
  for (std::uint8_t* at = picture.bytes.data(); at != end; at += 4) {
    const unsigned alpha = at[3];
    if (alpha == 0 || alpha == 255) continue;
    for (int c = 0; c < 3; ++c) {
      at[c] = static_cast<std::uint8_t>(std::min(255U * at[c] / alpha, 255U));
    }
  }
}

}  // namespace

bool VerticalFirst(PixelSize in, PixelSize out, PassOrder order) {
  const std::int64_t rows = std::int64_t{in.height} - out.height;
  const std::int64_t columns = std::int64_t{in.width} - out.width;
  return order == PassOrder::k13 && rows > 0 && rows > 2 * columns;
}

Picture ResizeLikePillow(const Picture& picture, PixelSize size, PassOrder order) {
  if (SizeOf(picture) == size) return Copy(picture);
  switch (picture.mode) {
    case PixelMode::kBilevel:
    case PixelMode::kP:
      return Nearest(picture, size);
    case PixelMode::kLA:
    case PixelMode::kRGBA: {
      Picture out = Bilinear(Premultiplied(picture), size, order);
      Unpremultiply(out);
      return out;  // LA comes back as RGBA with three equal colours, as good for what follows
    }
    default:
      return Bilinear(picture, size, order);
  }
}

}  // namespace millrace
