// WebP through libwebp: every frame is decoded, into YUV where it is lossy, without the filters
// that smooth what has been decoded.
#include <fmt/format.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "common/image/byte_order.h"
#include "common/image/inspect/inspectors.h"

namespace millrace {
namespace {

constexpr std::size_t kRiffHeadBytes = 8;

const char* TextOf(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
      return "its data ends early";
    default:
      return "its data does not decode";
  }
}

// Pixels of a lossless frame, which libwebp unpacks whole, in four bytes each.
constexpr std::int64_t kMaxLosslessPixels = 100'000'000;
// From here on the output is asked for small: of a lossy frame, only rows at hand are then in
// memory.
constexpr std::int64_t kLargeFramePixels = 16'000'000;

// Whether what a frame of so many pixels can need is to be had. libwebp (1.5) says that memory ran
// out where a broken file asks for what it cannot need.
bool EnoughMemory(std::int64_t pixels) {
  constexpr std::size_t kBytesPerPixel = 16;
  const auto bytes = static_cast<std::size_t>(pixels) * kBytesPerPixel + (std::size_t{16} << 20);
  return std::unique_ptr<std::byte[]>(new (std::nothrow) std::byte[bytes]) != nullptr;
}

std::optional<Finding> InspectFrame(const WebPData& data, const InspectOptions& options) {
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) {
    return Finding{ErrorCode::kUnsupportedFormat, "libwebp is of another version", {}, {}};
  }
  VP8StatusCode status = WebPGetFeatures(data.bytes, data.size, &config.input);
  std::int64_t pixels = 0;
  if (status == VP8_STATUS_OK) {
    if (auto size = CheckSides(config.input.width, config.input.height, options)) return size;
    constexpr int kLossless = 2;
    const bool alpha = config.input.has_alpha != 0;
    pixels = std::int64_t{config.input.width} * config.input.height;
    if (config.input.format == kLossless && pixels > kMaxLosslessPixels) {
      return Finding{ErrorCode::kTooLarge,
                     fmt::format("a lossless WebP of {}x{} pixels takes {} MB to read",
                                 config.input.width, config.input.height, pixels * 4 / 1'000'000),
                     {},
                     {}};
    }
    if (pixels > kLargeFramePixels) {
      config.options.use_scaling = 1;
      config.options.scaled_width = std::max(config.input.width / 16, 1);
      config.options.scaled_height = std::max(config.input.height / 16, 1);
    }
    if (config.input.format == kLossless) {
      config.output.colorspace = MODE_BGRA;
    } else {
      config.output.colorspace = alpha ? MODE_YUVA : MODE_YUV;
    }
    config.options.bypass_filtering = 1;
    config.options.no_fancy_upsampling = 1;
    status = WebPDecode(data.bytes, data.size, &config);
    WebPFreeDecBuffer(&config.output);
  }
  if (status == VP8_STATUS_OK) return std::nullopt;
  if (status == VP8_STATUS_OUT_OF_MEMORY && !EnoughMemory(pixels)) throw std::bad_alloc();
  if (status == VP8_STATUS_UNSUPPORTED_FEATURE || status == VP8_STATUS_INVALID_PARAM) {
    return Finding{
        ErrorCode::kUnsupportedFormat, "the WebP is of a kind that libwebp does not read", {}, {}};
  }
  return Finding{status == VP8_STATUS_NOT_ENOUGH_DATA || status == VP8_STATUS_SUSPENDED
                     ? ErrorCode::kTruncated
                     : ErrorCode::kCorrupt,
                 fmt::format("the WebP is broken: {}", TextOf(status)),
                 {},
                 {}};
}

// libwebp looks for each frame from the first one on.
constexpr int kMaxFrames = 10'000;

using Demuxer = std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)>;

std::optional<Finding> InspectFrames(const Demuxer& demuxer, const InspectOptions& options) {
  WebPIterator frame;
  std::memset(&frame, 0, sizeof frame);
  std::int64_t pixels = 0;
  std::optional<Finding> finding;
  int more = WebPDemuxGetFrame(demuxer.get(), 1, &frame);
  if (more == 0) finding = Finding{ErrorCode::kCorrupt, "the WebP has no picture", {}, 1.0};
  if (more != 0 && frame.num_frames > kMaxFrames) {
    finding = Finding{ErrorCode::kTooLarge,
                      fmt::format("an animation of {} frames is over the cap of {}",
                                  frame.num_frames, kMaxFrames),
                      {},
                      {}};
  }
  while (more != 0 && !finding) {
    pixels += std::int64_t{frame.width} * frame.height;
    if (pixels > options.max_total_pixels) {
      finding =
          Finding{ErrorCode::kTooLarge,
                  fmt::format("the animation has more than {} pixels", options.max_total_pixels),
                  {},
                  {}};
    } else {
      finding = InspectFrame(frame.fragment, options);
      if (finding && frame.num_frames > 1) {
        finding->what += fmt::format(" (frame {} of {})", frame.frame_num, frame.num_frames);
      }
    }
    more = WebPDemuxNextFrame(&frame);
  }
  WebPDemuxReleaseIterator(&frame);
  return finding;
}

std::optional<Finding> CheckMetadata(const Demuxer& demuxer, FileBytes file) {
  WebPChunkIterator chunk;
  std::memset(&chunk, 0, sizeof chunk);
  std::optional<Finding> finding;
  if (WebPDemuxGetChunk(demuxer.get(), "EXIF", 1, &chunk) != 0) {
    const auto* begin = reinterpret_cast<const std::byte*>(chunk.chunk.bytes);
    finding = CheckExif({begin, chunk.chunk.size}, static_cast<std::size_t>(begin - file.data()));
  }
  WebPDemuxReleaseChunkIterator(&chunk);
  return finding;
}

}  // namespace

namespace {

// A file whose container ends early or contradicts itself: whether its one picture is there all the
// same, as where the file ends within the metadata behind it.
bool PictureIsWhole(FileBytes file, const InspectOptions& options) {
  if (file.size() < kRiffHeadBytes + 4) return false;
  std::vector<std::byte> whole(file.begin(), file.end());
  const std::size_t size = (file.size() - kRiffHeadBytes) & ~std::size_t{1};
  for (std::size_t i = 0; i < 4; ++i) whole[4 + i] = static_cast<std::byte>(size >> (8 * i));
  const WebPData data = {reinterpret_cast<const std::uint8_t*>(whole.data()), whole.size()};
  return !InspectFrame(data, options);
}

}  // namespace

std::optional<Finding> InspectWebp(FileBytes file, const InspectOptions& options) {
  const std::size_t riff_bytes = Little32(file, 4) + kRiffHeadBytes;
  if (riff_bytes > file.size()) {
    Finding finding{ErrorCode::kTruncated,
                    fmt::format("the WebP has {} of its {} bytes", file.size(), riff_bytes),
                    static_cast<std::int64_t>(file.size()),
                    {}};
    if (PictureIsWhole(file, options)) {
      finding.code = ErrorCode::kSuspicious;
      finding.what += "; its picture is among them";
    }
    return finding;
  }
  const WebPData data = {reinterpret_cast<const std::uint8_t*>(file.data()), file.size()};
  const Demuxer demuxer(WebPDemux(&data), &WebPDemuxDelete);
  if (demuxer == nullptr) {
    Finding finding{ErrorCode::kCorrupt, "the WebP's chunks contradict each other", {}, {}};
    if (PictureIsWhole(file, options)) {
      finding.code = ErrorCode::kSuspicious;
      finding.what += "; its picture decodes";
    }
    return finding;
  }
  if (auto size = CheckSides(WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH),
                             WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT), options)) {
    return size;
  }
  if (options.level == InspectLevel::kOpen) return std::nullopt;
  if (auto wrong = InspectFrames(demuxer, options)) return wrong;
  if (options.level != InspectLevel::kStrict) return std::nullopt;
  if (auto wrong = CheckMetadata(demuxer, file)) return wrong;
  return CheckTrailing(file, riff_bytes + (riff_bytes & 1), options);
}

}  // namespace millrace
