#include "common/image/inspect/jpeg_header.h"

#include <fmt/format.h>

#include <cstring>
#include <string_view>

#include "common/image/byte_order.h"
#include "common/image/jpeg/jpeg_reader.h"

namespace millrace {
namespace {

bool StartsWith(FileBytes bytes, std::string_view text) {
  return bytes.size() >= text.size() && std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

Finding Corrupt(std::string what, std::size_t at) {
  return {ErrorCode::kCorrupt, std::move(what), static_cast<std::int64_t>(at), {}};
}

Finding Truncated(FileBytes file) {
  return {ErrorCode::kTruncated, "the JPEG ends within its header",
          static_cast<std::int64_t>(file.size()), 1.0};
}

constexpr unsigned kStartOfScan = 0xDA;
constexpr unsigned kQuantization = 0xDB;
constexpr unsigned kApp0 = 0xE0;
constexpr unsigned kApp1 = 0xE1;
constexpr unsigned kApp2 = 0xE2;
constexpr unsigned kApp14 = 0xEE;
constexpr unsigned kJpegLs = 0xF7;

bool IsFrame(unsigned marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

// Whether Pillow skips or reads a segment behind the marker; the others stand alone.
bool HasSegment(unsigned marker) {
  return (marker >= 0xC0 && marker <= 0xCF && marker != 0xC8) ||
         (marker >= 0xDA && marker <= 0xEF) || marker == 0xFE;
}

std::optional<Finding> CheckFrame(FileBytes segment, std::size_t at) {
  if (segment.size() < 6 || (segment.size() - 6) % 3 != 0) {
    return Corrupt("the JPEG's frame header has a wrong size", at);
  }
  const int bits = std::to_integer<int>(segment[0]);
  if (bits != 8) {
    return Finding{ErrorCode::kUnsupportedFormat,
                   fmt::format("a JPEG of {} bits a sample", bits),
                   static_cast<std::int64_t>(at),
                   {}};
  }
  const int components = std::to_integer<int>(segment[5]);
  if (components == 1 || components == 3 || components == 4) return std::nullopt;
  std::string what = fmt::format("a JPEG with {} components", components);
  // The standard has more kinds than Pillow reads.
  if (components == 0 || segment.size() != 6 + 3 * static_cast<std::size_t>(components)) {
    return Corrupt(std::move(what), at);
  }
  return Finding{ErrorCode::kUnsupportedFormat, std::move(what), static_cast<std::int64_t>(at), {}};
}

std::optional<Finding> CheckQuantization(FileBytes segment, std::size_t at) {
  while (!segment.empty()) {
    const std::size_t size = (std::to_integer<unsigned>(segment[0]) >> 4 == 0 ? 1U : 2U) * 64 + 1;
    if (segment.size() < size) return Corrupt("a JPEG's quantization table is cut short", at);
    segment = segment.subspan(size);
  }
  return std::nullopt;
}

std::optional<Finding> CheckSegment(unsigned marker, FileBytes file, FileBytes segment,
                                    std::size_t at, const InspectOptions& options) {
  if (IsFrame(marker)) {
    if (auto wrong = CheckFrame(segment, at)) return wrong;
    if (BigEndian(segment, 1, 2) == 0) {
      const JpegReading reading =
          ReadJpeg(file, 0, {.max_scans = 1, .max_pixels = options.max_pixels});
      if (reading.height > 0) {
        return Finding{ErrorCode::kUnsupportedFormat,
                       "a JPEG of which the height follows its data (DNL)",
                       static_cast<std::int64_t>(at),
                       {}};
      }
    }
    return CheckSides(static_cast<std::int64_t>(BigEndian(segment, 3, 2)),
                      static_cast<std::int64_t>(BigEndian(segment, 1, 2)), options);
  }
  if (marker == kQuantization) return CheckQuantization(segment, at);
  const bool jfif = marker == kApp0 && StartsWith(segment, "JFIF");
  const bool adobe = marker == kApp14 && StartsWith(segment, "Adobe");
  if ((jfif || adobe) && segment.size() < 7) {
    return Corrupt(fmt::format("the JPEG's {} segment is cut short", jfif ? "JFIF" : "Adobe"), at);
  }
  return std::nullopt;
}

// What does not belong to the pixels.
std::optional<Finding> CheckMetadata(unsigned marker, FileBytes segment, std::size_t at) {
  if (marker == kApp1 && StartsWith(segment, std::string_view("Exif\0", 5))) {
    return CheckExif(segment, at);
  }
  const char* what = nullptr;
  // libjpeg warns of these two; the segments have been found long enough.
  if (marker == kApp0 && StartsWith(segment, std::string_view("JFIF\0", 5)) &&
      segment[5] != std::byte{1}) {
    what = "the JPEG's JFIF segment has an unknown version";
  } else if (marker == kApp14 && StartsWith(segment, "Adobe") && segment.size() >= 12 &&
             segment[11] > std::byte{2}) {
    what = "the JPEG's Adobe segment names no known colour transform";
  }
  if (what == nullptr) return std::nullopt;
  return Finding{ErrorCode::kBadMetadata, what, static_cast<std::int64_t>(at), {}};
}

JpegHeaderFindings Broken(Finding finding) { return {std::move(finding), {}, {}}; }

}  // namespace

JpegHeaderFindings CheckJpegHeader(FileBytes file, const InspectOptions& options) {
  JpegHeaderFindings findings;
  bool frame = false;
  std::size_t at = 2;
  while (true) {
    while (at < file.size() && file[at] != std::byte{0xFF}) ++at;
    while (at < file.size() && file[at] == std::byte{0xFF}) ++at;
    if (at >= file.size()) return Broken(Truncated(file));
    const auto marker = std::to_integer<unsigned>(file[at++]);
    if (marker == 0) continue;  // a byte of data that is none here
    if (marker == kJpegLs) {
      return Broken({ErrorCode::kUnsupportedFormat,
                     "a JPEG-LS, which this build does not read",
                     static_cast<std::int64_t>(at - 2),
                     {}});
    }
    if (marker < 0xC0) {
      return Broken(Corrupt(fmt::format("no JPEG marker: 0xff{:02x}", marker), at - 2));
    }
    if (!HasSegment(marker)) continue;
    if (file.size() - at < 2) return Broken(Truncated(file));
    const std::size_t length = static_cast<std::size_t>(BigEndian(file, at, 2));
    if (length > file.size() - at) return Broken(Truncated(file));
    const FileBytes segment = length > 2 ? file.subspan(at + 2, length - 2) : FileBytes();
    if (auto wrong = CheckSegment(marker, file, segment, at - 2, options)) {
      return Broken(*std::move(wrong));
    }
    frame = frame || IsFrame(marker);
    if (marker == kStartOfScan) break;
    if (options.level == InspectLevel::kStrict && !findings.metadata) {
      findings.metadata = CheckMetadata(marker, segment, at + 2);
    }
    if (marker == kApp2 && StartsWith(segment, std::string_view("MPF\0", 4))) {
      findings.pictures = ParseMultiPictureIndex(segment.subspan(4), at + 6);
    }
    at += std::max<std::size_t>(length, 2);
  }
  if (!frame) findings.broken = Corrupt("the JPEG has a scan and no frame header", at);
  return findings;
}

}  // namespace millrace
