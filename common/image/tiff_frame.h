// What one directory of a TIFF file says of its picture, in Pillow's terms.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "common/image/tiff_directory.h"

namespace millrace {

// How a pixel lies in the file and what it becomes.
struct TiffSamples {
  PixelMode mode = PixelMode::kL;
  int bits = 8;                // of a sample
  int count = 1;               // samples of a pixel; beyond those of `mode`, they are passed over
  bool inverted = false;       // 0 is white
  bool reversed = false;       // the bits of each byte, where libtiff does not turn them
  bool premultiplied = false;  // colours by alpha
  // Pillow's mode where it has no place here; such rows can be read, and not be unpacked.
  const char* lacking = nullptr;
};

inline constexpr std::uint64_t kTiffUncompressed = 1;
inline constexpr std::uint64_t kTiffOldJpeg = 6;
inline constexpr std::uint64_t kTiffJpeg = 7;
inline constexpr std::uint64_t kTiffDeflate = 8;
inline constexpr std::uint64_t kTiffOldDeflate = 32946;

struct TiffFrame {
  std::int64_t width = 0;   // pixels, before turning
  std::int64_t height = 0;  // pixels, likewise
  TiffSamples samples;
  std::uint64_t compression = kTiffUncompressed;
  bool planar = false;   // each of the file's samples, of which there are several, has a plane
  bool as_rgba = false;  // YCbCr that libtiff turns to RGBA, in whole blocks
  bool reversed_data = false;  // the bits of each byte of compressed data
  int orientation = 1;

  [[nodiscard]] bool uncompressed() const { return compression == kTiffUncompressed; }
  [[nodiscard]] bool deflated() const {
    return compression == kTiffDeflate || compression == kTiffOldDeflate;
  }
  // Of them, those that are needed.
  [[nodiscard]] int planes() const {
    if (!planar) return 1;
    if (samples.lacking != nullptr) return samples.count;
    return std::min(samples.count, static_cast<int>(BytesPerPixel(samples.mode)));
  }
};

// Where Pillow does not identify the file: kUnsupportedFormat if other programs may, else kCorrupt,
// kTruncated. Source: _setup and OPEN_INFO in Pillow's TiffImagePlugin.py.
Result<TiffFrame> ReadTiffFrame(const TiffDirectory& directory);

// Writes `width` pixels of the file's row at `from` to `to`, which is where the first of them lies
// in the picture. Of a planar frame it is the row of plane `plane`.
void UnpackTiffRow(const TiffFrame& frame, int plane, bool big_endian, const std::uint8_t* from,
                   std::uint8_t* to, int width);

// Divides the colours of RGBA by alpha as Pillow does, rounding down.
void Unpremultiply(std::uint8_t* rgba, std::size_t pixels);

}  // namespace millrace
