// Whether a file's pictures are whole: every frame, judged without making a picture where the
// format allows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/image/sniff.h"

namespace millrace {

// Part of every verdict's fingerprint: to be raised whenever a file may be judged otherwise than
// before, so that kept verdicts are not taken for the new ones.
inline constexpr int kInspectVersion = 2;

enum class InspectLevel {
  kOpen,    // what Pillow's Image.open accepts: the header
  kDecode,  // and no pixel is lost: Pillow's load accepts it, and no decoder complained of its data
  kStrict,  // and nothing else is wrong with it either
};

struct InspectOptions {
  InspectLevel level = InspectLevel::kDecode;
  // Caps, all inclusive; beyond one: kTooLarge. Checked before memory for pixels is taken.
  std::int64_t max_pixels = 256'000'000;  // of a frame
  std::int64_t max_side = 65536;          // pixels, width and height each
  std::int64_t max_bytes = 256 << 20;     // of the file
  // Of all frames together, as far as they are decoded: what an animation or a stack of pages may
  // cost.
  std::int64_t max_total_pixels = 1'500'000'000;
};

// What is wrong with a file. The codes, worst first where a file deserves several:
//   pixels are lost        kTruncated, kCorrupt, kBadCrc, kNotAnImage, kEmpty
//   nobody can tell        kUnsupportedFormat, kTooLarge
//   signs of damage        kSuspicious
//   no pixel is lost       kBadMetadata, kTrailingData, kExtensionMismatch   (kStrict only)
struct Finding {
  ErrorCode code = ErrorCode::kCorrupt;
  std::string what;                    // a sentence for a person, without the file's name
  std::optional<std::int64_t> offset;  // bytes into the file, where the format can tell
  std::optional<double> lost;          // share of the first frame's pixels, 0 to 1, likewise
};

struct Inspection {
  std::optional<ImageFormat> format;  // nothing: no known signature
  std::optional<Finding> finding;     // nothing: sound, as far as the level asks
};

// `file` is all of it; `name` its name or path, for its extension (kStrict). Total: any bytes are
// judged, within the caps, in memory bounded by them. Safe to call from several threads.
Inspection Inspect(std::span<const std::byte> file, std::string_view name,
                   const InspectOptions& options);

}  // namespace millrace
