// A BMP's header, as Pillow reads it. Source: _bitmap in BmpImagePlugin.py.
#pragma once

#include <array>
#include <cstdint>

#include "common/image/decoders.h"

namespace millrace {

inline constexpr std::uint32_t kBmpRaw = 0;
inline constexpr std::uint32_t kBmpRle8 = 1;
inline constexpr std::uint32_t kBmpRle4 = 2;
inline constexpr std::uint32_t kBmpBitFields = 3;

struct BmpHeader {
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool top_down = false;
  std::uint32_t bits = 0;
  std::uint32_t compression = kBmpRaw;
  std::uint32_t colors = 0;                 // palette entries
  std::size_t color_bytes = 4;              // of a palette entry
  std::size_t palette_offset = 0;           // in the file
  std::size_t pixel_offset = 0;             // in the file
  std::size_t data_bytes = 0;               // of pixels, by the header; 0 where it does not say
  std::array<std::uint32_t, 4> masks = {};  // red, green, blue, alpha

  [[nodiscard]] bool run_lengths() const {
    return compression == kBmpRle8 || compression == kBmpRle4;
  }
  // Of pixels that are not run-length coded: bytes of a row, and from one row to the next.
  [[nodiscard]] std::size_t row_bytes() const {
    return (static_cast<std::size_t>(width) * bits + 7) / 8;
  }
  [[nodiscard]] std::size_t stride() const {
    return (static_cast<std::size_t>(width) * bits + 31) / 32 * 4;
  }
};

// kTruncated, kUnsupportedFormat.
Result<BmpHeader> ReadBmpHeader(FileBytes file);

// kCorrupt where the palette, of more colours than indices have values, keeps Pillow from loading a
// picture of mode P, which it has opened.
Result<void> CheckBmpPalette(FileBytes file, const BmpHeader& header, PixelMode mode);

// What DecodeBmp will make of the pixels: kUnsupportedFormat where it knows no way, kCorrupt for a
// palette that cannot be.
Result<PixelMode> BmpMode(FileBytes file, const BmpHeader& header);

// How the run-length coded pixels ended.
struct BmpRunLengths {
  bool whole = false;
  bool ended = false;      // by the file's end, where not whole
  std::size_t at = 0;      // in the file, behind what was read
  std::size_t pixels = 0;  // that there are
};

// Run-length coded pixels as indices, a byte each, in the file's order of rows: to at most
// width * height places at `to`, which is full of zeros. Source: BmpRleDecoder.
BmpRunLengths ReadBmpRunLengths(FileBytes file, const BmpHeader& header, std::uint8_t* to);

}  // namespace millrace
