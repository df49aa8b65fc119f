// BMP. Without run lengths nothing but its length can be wrong with its pixels.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "common/image/bmp_header.h"
#include "common/image/byte_order.h"
#include "common/image/inspect/inspectors.h"

namespace millrace {
namespace {

// Whether any program writes such pixels.
bool Exists(const BmpHeader& header) {
  static constexpr std::uint32_t kBits[] = {0, 1, 2, 4, 8, 16, 24, 32, 64};
  static constexpr std::uint32_t kCompressions[] = {0, 1, 2, 3, 4, 5, 6, 11, 12, 13};
  return std::find(std::begin(kBits), std::end(kBits), header.bits) != std::end(kBits) &&
         std::find(std::begin(kCompressions), std::end(kCompressions), header.compression) !=
             std::end(kCompressions);
}

// *end: behind the pixels.
std::optional<Finding> InspectRunLengths(FileBytes file, const BmpHeader& header,
                                         std::size_t* end) {
  const auto wanted = static_cast<std::size_t>(header.width * header.height);
  const PixelBytes indices = PixelBytes::Zeroed(wanted);
  const BmpRunLengths read =
      ReadBmpRunLengths(file, header, const_cast<std::uint8_t*>(indices.data()));
  *end = read.at;
  if (read.whole) return std::nullopt;
  // Runs may end before the last pixel, by their own word: what is left is of colour 0.
  if (!read.ended) {
    return Finding{ErrorCode::kSuspicious,
                   fmt::format("the BMP's runs end after {} of {} pixels", read.pixels, wanted),
                   static_cast<std::int64_t>(read.at),
                   {}};
  }
  return Finding{ErrorCode::kTruncated,
                 fmt::format("the BMP has {} of {} pixels", read.pixels, wanted),
                 static_cast<std::int64_t>(read.at),
                 1 - static_cast<double>(read.pixels) / static_cast<double>(wanted)};
}

std::optional<Finding> InspectRows(FileBytes file, const BmpHeader& header, std::size_t* end) {
  const auto height = static_cast<std::size_t>(header.height);
  const std::size_t have =
      header.pixel_offset >= file.size() ? 0 : file.size() - header.pixel_offset;
  // The last row needs no padding.
  const std::size_t wanted = header.stride() * (height - 1) + header.row_bytes();
  *end = header.pixel_offset + header.stride() * height;
  if (have < wanted) {
    const std::size_t rows =
        have < header.row_bytes() ? 0 : 1 + (have - header.row_bytes()) / header.stride();
    return Finding{ErrorCode::kTruncated,
                   fmt::format("the BMP ends after {} of {} rows", rows, height),
                   static_cast<std::int64_t>(file.size()),
                   1 - static_cast<double>(rows) / static_cast<double>(height)};
  }
  // Both of the header's counts of bytes say that there is at least one row more.
  const std::size_t spare = std::max<std::size_t>(header.stride(), 16);
  if (header.data_bytes >= header.stride() * height + spare &&
      header.pixel_offset + header.data_bytes == file.size() && Little32(file, 2) == file.size()) {
    return Finding{
        ErrorCode::kSuspicious,
        fmt::format("the BMP's header tells of {} rows and of the bytes of more", height), 18,
        std::nullopt};
  }
  return std::nullopt;
}

// Behind the colour profile, which longer headers have at the file's end.
std::size_t ProfileEnd(FileBytes file) {
  constexpr std::size_t kFileHeader = 14;
  if (Little32(file, kFileHeader) < 124 || file.size() < kFileHeader + 124) return 0;
  return kFileHeader + Little32(file, kFileHeader + 112) + Little32(file, kFileHeader + 116);
}

}  // namespace

std::optional<Finding> InspectBmp(FileBytes file, const InspectOptions& options) {
  const auto finding_of = [&](const Error& error) {
    Finding finding{error.code, error.message, std::nullopt, std::nullopt};
    if (error.code == ErrorCode::kTruncated) {
      finding.offset = static_cast<std::int64_t>(file.size());
      finding.lost = 1;
    }
    return finding;
  };
  const auto header = ReadBmpHeader(file);
  if (!header) return finding_of(header.error());
  if (auto finding = CheckSides(header->width, header->height, options)) return finding;
  if (!Exists(*header)) {
    return Finding{
        ErrorCode::kUnsupportedFormat,
        fmt::format("a BMP of {} bits with compression {}", header->bits, header->compression), 28,
        std::nullopt};
  }
  // OS/2's longer header numbers Huffman codes and runs of 24 bits from 3 on.
  constexpr std::size_t kSizeAt = 14;
  constexpr std::uint32_t kOs2HeaderBytes = 64;
  if (Little32(file, kSizeAt) == kOs2HeaderBytes && header->compression >= kBmpBitFields) {
    return Finding{ErrorCode::kUnsupportedFormat,
                   fmt::format("an OS/2 BMP of compression {}", header->compression), 30,
                   std::nullopt};
  }
  const auto mode = BmpMode(file, *header);
  if (!mode) {
    auto finding = finding_of(mode.error());
    if (finding.code == ErrorCode::kCorrupt) finding.code = ErrorCode::kUnsupportedFormat;
    return finding;
  }
  if (options.level == InspectLevel::kOpen) return std::nullopt;

  std::size_t end = 0;
  auto finding = header->run_lengths() ? InspectRunLengths(file, *header, &end)
                                       : InspectRows(file, *header, &end);
  if (!finding) {
    // The pixels are there; Pillow opens the file and does not load it.
    if (const auto sound = CheckBmpPalette(file, *header, *mode); !sound) {
      finding = Finding{ErrorCode::kSuspicious, sound.error().message, std::nullopt, std::nullopt};
    }
  }
  if (finding || options.level != InspectLevel::kStrict) return finding;
  // Some programs pad the whole to a multiple of four, or write a mark of the end of run lengths.
  constexpr std::size_t kPadding = 4;
  end = std::max({end, header->pixel_offset + header->data_bytes, ProfileEnd(file)});
  if (file.size() > end + kPadding) {
    return Finding{ErrorCode::kTrailingData,
                   fmt::format("{} bytes behind the BMP's pixels", file.size() - end),
                   static_cast<std::int64_t>(end), std::nullopt};
  }
  return std::nullopt;
}

}  // namespace millrace
