// Bytes of an image file to a picture, as Pillow decodes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/image/pixels.h"
#include "common/image/sniff.h"

namespace millrace {

struct DecodeOptions {
  // Caps, all inclusive and checked against the file's header before a pixel is decoded or memory
  // for pixels is taken; beyond one: kTooLarge.
  std::int64_t max_pixels = 256'000'000;
  std::int64_t max_side = 65536;     // pixels, width and height each
  std::int64_t max_bytes = 1 << 30;  // of the file
  // A file with a sound header whose data ends early or turns bad: true gives what there is, with
  // the warning "truncated" (Pillow with LOAD_TRUNCATED_IMAGES); false fails with kTruncated or
  // kCorrupt.
  bool accept_truncated = true;
};

// "truncated": rows are missing; 128 in a JPEG whose data just ends, 0 elsewhere.
// "damaged": the decoder complained and went on; all rows are there (JPEG only).
inline constexpr const char* kWarningTruncated = "truncated";
inline constexpr const char* kWarningDamaged = "damaged";
// "smoothing-differs": a progressive JPEG lacks scans, and this build's libjpeg fills in for them
// by older rules than Pillow's: two bands of rows differ, by a few levels.
inline constexpr const char* kWarningSmoothing = "smoothing-differs";

struct Decoded {
  Picture picture;  // in the mode that Pillow gives it; not turned by `orientation`
  ImageFormat format = ImageFormat::kJpeg;
  // How to turn the picture to see it upright, 1..8, as EXIF has it; 1 where the decoder has turned
  // it already, as Pillow's does for TIFF.
  int orientation = 1;
  std::vector<std::string> warnings;
};

// The first picture of the file. Codes: kEmpty, kNotAnImage (no known signature), kTooLarge,
// kTruncated, kCorrupt, kUnsupportedFormat (known, not readable in this build: the text names the
// cure). The text is for a person and does not repeat the file's name. Total: any bytes give a
// picture or an error, within the caps. Safe to call from several threads.
Result<Decoded> DecodePicture(std::span<const std::byte> file, const DecodeOptions& options);

}  // namespace millrace
