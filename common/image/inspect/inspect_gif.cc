// GIF: every frame, one after the other, in memory that does not grow with their number.
#include <fmt/format.h>

#include <algorithm>

#include "common/image/gif_file.h"
#include "common/image/inspect/inspectors.h"

namespace millrace {
namespace {

std::optional<Finding> InspectFrame(FileBytes file, const GifFrame& frame, std::int64_t number,
                                    std::size_t* end) {
  const std::int64_t wanted = std::int64_t{frame.width} * frame.height;
  GifPixels pixels(file, frame);
  std::int64_t have = 0;
  while (have < wanted) {
    const FileBytes some = pixels.Next();
    if (some.empty()) break;
    have += static_cast<std::int64_t>(some.size());
  }
  *end = pixels.at();
  if (have >= wanted) return std::nullopt;
  const bool cut = pixels.state() == GifPixels::State::kCut;
  const char* why = cut                                           ? "the file ends"
                    : pixels.state() == GifPixels::State::kBroken ? "an LZW code cannot be"
                                                                  : "its data ends";
  Finding finding{
      cut ? ErrorCode::kTruncated : ErrorCode::kCorrupt,
      fmt::format("frame {} of the GIF has {} of {} pixels: {}", number, have, wanted, why),
      static_cast<std::int64_t>(pixels.at()), std::nullopt};
  if (number == 1) finding.lost = 1 - static_cast<double>(have) / static_cast<double>(wanted);
  return finding;
}

// How the file ends behind its last frame.
std::optional<Finding> InspectEnd(FileBytes file, const GifFile& gif,
                                  const InspectOptions& options) {
  const auto at = static_cast<std::int64_t>(gif.at());
  if (!gif.has_trailer() && gif.ends_in_frame()) {
    return Finding{ErrorCode::kSuspicious, "the GIF ends where a frame should begin", at, {}};
  }
  // Bytes that belong to no block, until one of them looked like the file's end: what they were
  // before something overwrote it came to nothing.
  const bool trailing = gif.has_trailer() && gif.at() < file.size();
  if (gif.stray() && trailing) {
    return Finding{ErrorCode::kSuspicious,
                   "a GIF's block is neither a frame nor an extension",
                   static_cast<std::int64_t>(*gif.stray()),
                   {}};
  }
  if (options.level != InspectLevel::kStrict) return std::nullopt;
  if (gif.stray()) {
    return Finding{ErrorCode::kBadMetadata,
                   "bytes between the GIF's blocks belong to none",
                   static_cast<std::int64_t>(*gif.stray()),
                   {}};
  }
  if (!gif.has_trailer()) {
    return Finding{
        ErrorCode::kBadMetadata,
        gif.ends_in_extension() ? "the GIF ends within an extension" : "the GIF has no trailer",
        at,
        {}};
  }
  if (trailing) {
    return Finding{ErrorCode::kTrailingData,
                   fmt::format("{} bytes behind the GIF's trailer", file.size() - gif.at()),
                   at,
                   {}};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Finding> InspectGif(FileBytes file, const InspectOptions& options) {
  const auto finding_of = [](const Error& error, std::size_t at) {
    return Finding{error.code, error.message, static_cast<std::int64_t>(at), std::nullopt};
  };
  auto gif = GifFile::Open(file);
  if (!gif) return finding_of(gif.error(), file.size());
  std::int64_t pixels = 0;
  for (std::int64_t number = 1;; ++number) {
    const auto frame = gif->Next();
    if (!frame) {
      auto finding = finding_of(frame.error(), file.size());
      if (gif->stray() && number > 1) finding.code = ErrorCode::kSuspicious;
      return finding;
    }
    if (!*frame) {
      if (number > 1) return InspectEnd(file, *gif, options);
      // One with an end is written so: comments alone.
      const auto at = static_cast<std::int64_t>(gif->at());
      if (gif->has_trailer()) {
        return Finding{ErrorCode::kUnsupportedFormat, "a GIF without a frame", at, {}};
      }
      return Finding{ErrorCode::kTruncated, "the GIF ends before its first frame", at, 1.0};
    }
    const std::size_t at = (*frame)->data;
    if (number == 1) {
      if (auto finding =
              CheckSides(std::max(gif->width(), (*frame)->left + (*frame)->width),
                         std::max(gif->height(), (*frame)->top + (*frame)->height), options)) {
        return finding;
      }
      if (options.level == InspectLevel::kOpen) return std::nullopt;
    }
    // A later frame without pixels loses none: there are encoders that write one to pause.
    if ((*frame)->width == 0 || (*frame)->height == 0) {
      if (number > 1) continue;
      return Finding{ErrorCode::kUnsupportedFormat,
                     "the GIF's first frame has no pixels",
                     static_cast<std::int64_t>(at),
                     {}};
    }
    if (auto finding = CheckSides((*frame)->width, (*frame)->height, options)) return finding;
    pixels += std::int64_t{(*frame)->width} * (*frame)->height;
    if (pixels > options.max_total_pixels) {
      return Finding{ErrorCode::kTooLarge,
                     "the GIF's frames have too many pixels",
                     static_cast<std::int64_t>(at),
                     {}};
    }
    std::size_t end = 0;
    if (auto finding = InspectFrame(file, **frame, number, &end)) {
      // A comma among bytes that belong to no block begins no frame.
      if (gif->stray() && number > 1) finding->code = ErrorCode::kSuspicious;
      return finding;
    }
  }
}

}  // namespace millrace
