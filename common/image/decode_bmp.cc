// BMP, read here: OpenCV is off by up to 7 in files of 16 bits and tells no palette from RGB.
// The layouts and modes are those that Pillow's BmpImagePlugin.py accepts.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "common/image/bmp_header.h"
#include "common/image/decoders.h"
#include "common/image/transpose.h"

namespace millrace {
namespace {

// A row of the file as a row of the picture.
using Unpack = void (*)(const std::uint8_t* from, std::uint8_t* to, int width);

// `kBits` of a byte at a time, the first pixel in the highest bits.
template <int kBits>
void UnpackIndices(const std::uint8_t* from, std::uint8_t* to, int width) {
  for (int x = 0; x < width; ++x) {
    const int bit = x * kBits;
    to[x] =
        static_cast<std::uint8_t>((from[bit / 8] >> (8 - kBits - bit % 8)) & ((1 << kBits) - 1));
  }
}

void UnpackBilevel(const std::uint8_t* from, std::uint8_t* to, int width) {
  UnpackIndices<1>(from, to, width);
  for (int x = 0; x < width; ++x) to[x] = to[x] != 0 ? 255 : 0;
}

// Bytes of the file's pixel that are red, green, blue (and alpha) in the picture.
template <int kFrom, int... kOrder>
void UnpackBytes(const std::uint8_t* from, std::uint8_t* to, int width) {
  for (int x = 0; x < width; ++x, from += kFrom) ((*to++ = from[kOrder]), ...);
}

// 5, kGreenBits and 5 bits of red, green and blue, widened as Unpack.c does.
template <int kGreenBits>
void Unpack16(const std::uint8_t* from, std::uint8_t* to, int width) {
  constexpr int kGreenMax = (1 << kGreenBits) - 1;
  for (int x = 0; x < width; ++x, from += 2, to += 3) {
    const int pixel = from[0] | from[1] << 8;
    to[0] = static_cast<std::uint8_t>((pixel >> (5 + kGreenBits) & 31) * 255 / 31);
    to[1] = static_cast<std::uint8_t>((pixel >> 5 & kGreenMax) * 255 / kGreenMax);
    to[2] = static_cast<std::uint8_t>((pixel & 31) * 255 / 31);
  }
}

struct Layout {
  PixelMode mode = PixelMode::kRGB;
  Unpack unpack = nullptr;
};

// The layout of pixels without a palette; unpack stays null where Pillow knows none.
Layout TrueColorLayout(const BmpHeader& header) {
  if (header.compression == kBmpRaw) {
    if (header.bits == 16) return {PixelMode::kRGB, Unpack16<5>};
    if (header.bits == 24) return {PixelMode::kRGB, UnpackBytes<3, 2, 1, 0>};
    if (header.bits == 32) return {PixelMode::kRGB, UnpackBytes<4, 2, 1, 0>};
    return {};
  }
  struct Known {
    std::uint32_t bits;
    std::array<std::uint32_t, 4> masks;
    Layout layout;
  };
  static constexpr Known kKnown[] = {
      {16, {0xF800, 0x7E0, 0x1F, 0}, {PixelMode::kRGB, Unpack16<6>}},
      {16, {0x7C00, 0x3E0, 0x1F, 0}, {PixelMode::kRGB, Unpack16<5>}},
      {24, {0xFF0000, 0xFF00, 0xFF, 0}, {PixelMode::kRGB, UnpackBytes<3, 2, 1, 0>}},
      {32, {0xFF0000, 0xFF00, 0xFF, 0}, {PixelMode::kRGB, UnpackBytes<4, 2, 1, 0>}},
      {32, {0xFF000000, 0xFF0000, 0xFF00, 0}, {PixelMode::kRGB, UnpackBytes<4, 3, 2, 1>}},
      {32, {0xFF000000, 0xFF00, 0xFF, 0}, {PixelMode::kRGB, UnpackBytes<4, 3, 1, 0>}},
      {32, {0xFF000000, 0xFF0000, 0xFF00, 0xFF}, {PixelMode::kRGBA, UnpackBytes<4, 3, 2, 1, 0>}},
      {32, {0xFF, 0xFF00, 0xFF0000, 0xFF000000}, {PixelMode::kRGBA, UnpackBytes<4, 0, 1, 2, 3>}},
      {32, {0xFF0000, 0xFF00, 0xFF, 0xFF000000}, {PixelMode::kRGBA, UnpackBytes<4, 2, 1, 0, 3>}},
      {32, {0xFF000000, 0xFF00, 0xFF, 0xFF0000}, {PixelMode::kRGBA, UnpackBytes<4, 3, 1, 0, 2>}},
      {32, {0, 0, 0, 0}, {PixelMode::kRGBA, UnpackBytes<4, 2, 1, 0, 3>}},
  };
  for (const Known& known : kKnown) {
    const std::size_t masks = known.bits == 32 ? 4 : 3;  // alpha counts in 32 bits only
    if (known.bits == header.bits &&
        std::equal(known.masks.begin(), known.masks.begin() + masks, header.masks.begin())) {
      return known.layout;
    }
  }
  return {};
}

// The layout of pixels with a palette, which is read into *palette. A palette that is a grey ramp
// makes a grey picture, which is resized otherwise.
Result<Layout> IndexedLayout(FileBytes file, const BmpHeader& header, Palette* palette) {
  if (header.colors > 65536) {
    return Fail(ErrorCode::kCorrupt, fmt::format("a BMP palette of {} colours", header.colors));
  }
  bool grey = true;
  for (std::size_t i = 0; i < header.colors; ++i) {
    const std::size_t at = header.palette_offset + i * header.color_bytes;
    if (at + 3 > file.size()) {
      grey = false;
      break;
    }
    const int wanted = header.colors == 2 ? static_cast<int>(255 * i) : static_cast<int>(i);
    for (std::size_t c = 0; c < 3; ++c) {
      const auto value = std::to_integer<std::uint8_t>(file[at + 2 - c]);
      grey = grey && value == wanted;
      if (i < 256) (*palette)[3 * i + c] = value;
    }
  }
  switch (header.bits) {
    case 1:
      if (grey) return Layout{PixelMode::kBilevel, UnpackBilevel};
      return Layout{PixelMode::kP, UnpackIndices<1>};
    case 4:
      return Layout{PixelMode::kP, UnpackIndices<4>};
    default:
      return Layout{grey ? PixelMode::kL : PixelMode::kP, UnpackBytes<1, 0>};
  }
}

// Of indices too, whose palette is read into *palette.
Result<Layout> LayoutOf(FileBytes file, const BmpHeader& header, Palette* palette) {
  const bool indexed = header.bits == 1 || header.bits == 4 || header.bits == 8;
  Layout layout;
  if (indexed && (header.compression == kBmpRaw || header.run_lengths())) {
    ASSIGN_OR_RETURN(layout, IndexedLayout(file, header, palette));
  } else if (header.compression == kBmpRaw || header.compression == kBmpBitFields) {
    layout = TrueColorLayout(header);
  }
  if (layout.unpack == nullptr) {
    return Fail(ErrorCode::kUnsupportedFormat,
                fmt::format("a BMP of {} bits with compression {}: convert it to PNG", header.bits,
                            header.compression));
  }
  return layout;
}

Result<void> DecodeRunLengths(FileBytes file, const BmpHeader& header, const DecodeOptions& options,
                              Decoded& decoded) {
  Picture& picture = decoded.picture;
  const BmpRunLengths read = ReadBmpRunLengths(file, header, picture.bytes.data());
  if (picture.mode == PixelMode::kBilevel) {
    std::for_each_n(picture.bytes.data(), picture.bytes.size(),
                    [](std::uint8_t& pixel) { pixel = pixel != 0 ? 255 : 0; });
  }
  if (!header.top_down) decoded.picture = Oriented(std::move(decoded.picture), 4);
  if (read.whole) return {};
  return NoteTruncated(
      read.ended,
      fmt::format("the BMP has {} of {} pixels", read.pixels, header.width * header.height),
      options, decoded);
}

}  // namespace

Result<PixelMode> BmpMode(FileBytes file, const BmpHeader& header) {
  Palette palette;
  ASSIGN_OR_RETURN(const Layout layout, LayoutOf(file, header, &palette));
  return layout.mode;
}

Result<Decoded> DecodeBmp(FileBytes file, const DecodeOptions& options) {
  ASSIGN_OR_RETURN(const BmpHeader header, ReadBmpHeader(file));
  RETURN_IF_ERROR(CheckSize(header.width, header.height, options));
  auto palette = std::make_unique<Palette>();
  ASSIGN_OR_RETURN(const Layout layout, LayoutOf(file, header, palette.get()));
  RETURN_IF_ERROR(CheckBmpPalette(file, header, layout.mode));

  Decoded decoded;
  decoded.picture =
      Picture::Zeroed(layout.mode, static_cast<int>(header.width), static_cast<int>(header.height));
  Picture& picture = decoded.picture;
  if (layout.mode == PixelMode::kP) picture.palette = std::move(palette);
  if (header.run_lengths()) {
    RETURN_IF_ERROR(DecodeRunLengths(file, header, options, decoded));
    return decoded;
  }
  const auto* data = reinterpret_cast<const std::uint8_t*>(file.data());
  std::size_t at = header.pixel_offset;
  for (int i = 0; i < picture.height; ++i, at += header.stride()) {
    if (at > file.size() || file.size() - at < header.row_bytes()) {
      RETURN_IF_ERROR(
          NoteTruncated(true, fmt::format("the BMP ends after {} of {} rows", i, picture.height),
                        options, decoded));
      break;
    }
    layout.unpack(data + at, picture.row(header.top_down ? i : picture.height - 1 - i),
                  picture.width);
  }
  return decoded;
}

}  // namespace millrace
