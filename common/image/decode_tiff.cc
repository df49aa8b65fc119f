// TIFF: Pillow's modes, libtiff for what is compressed. The first page.
#include <fmt/format.h>

#include <algorithm>

#include "common/image/decoders.h"
#include "common/image/tiff_rows.h"
#include "common/image/transpose.h"

namespace millrace {
namespace {

// Sixteen-bit numbers, all reds first; the high bytes count.
std::unique_ptr<Palette> ReadPalette(const TiffDirectory& directory) {
  auto palette = std::make_unique<Palette>();
  const std::vector<std::uint64_t> numbers = directory.Numbers(TiffTag::kColorMap);
  const std::size_t count = numbers.size() / 3;
  for (std::size_t i = 0; i < std::min<std::size_t>(count, 256); ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      (*palette)[3 * i + c] = static_cast<std::uint8_t>(numbers[c * count + i] / 256);
    }
  }
  return palette;
}

}  // namespace

Result<Decoded> DecodeTiff(FileBytes file, const DecodeOptions& options) {
  const auto header = ReadTiffHeader(file);
  if (!header) return Fail(ErrorCode::kTruncated, "the TIFF ends within its header");
  const auto directory = TiffDirectory::Read(file, *header, header->first);
  if (!directory) return Fail(ErrorCode::kTruncated, "the TIFF ends before its directory");
  ASSIGN_OR_RETURN(const TiffFrame frame, ReadTiffFrame(*directory));
  RETURN_IF_ERROR(CheckSize(frame.width, frame.height, options));
  if (frame.samples.lacking != nullptr) {
    return Fail(ErrorCode::kUnsupportedFormat,
                fmt::format("a TIFF whose pixels Pillow reads in mode {} is not read here: convert "
                            "it to 8-bit grey or RGB",
                            frame.samples.lacking));
  }

  Decoded decoded;
  Picture picture = Picture::Zeroed(frame.samples.mode, static_cast<int>(frame.width),
                                    static_cast<int>(frame.height));
  if (picture.mode == PixelMode::kP) picture.palette = ReadPalette(*directory);
  const std::size_t pixel_bytes = BytesPerPixel(picture.mode);
  const bool big_endian = TiffRowsBigEndian(*directory, frame);
  const auto sink = [&](int plane, int x, int y, int width, const std::uint8_t* row) {
    std::uint8_t* to = picture.row(y) + static_cast<std::size_t>(x) * pixel_bytes;
    if (frame.as_rgba) {
      for (int i = 0; i < width; ++i) std::copy_n(row + 4 * i, 3, to + 3 * i);
    } else {
      UnpackTiffRow(frame, plane, big_endian, row, to, width);
    }
  };
  const TiffRowLimits limits{.tile_pixels = options.max_pixels,
                             .memory = std::max<std::int64_t>(options.max_pixels * 8, 1 << 26)};
  const auto damage = ReadTiffRows(file, *directory, frame, limits, sink);
  if (damage && damage->lost >= 1 && damage->code != ErrorCode::kTruncated) {
    return Fail(damage->code, damage->what);
  }
  if (damage) {
    RETURN_IF_ERROR(
        NoteTruncated(damage->code == ErrorCode::kTruncated, damage->what, options, decoded));
  }
  if (frame.planar && frame.samples.premultiplied) {
    Unpremultiply(picture.bytes.data(), picture.bytes.size() / 4);
  }
  decoded.picture = Oriented(std::move(picture), frame.orientation);
  return decoded;
}

}  // namespace millrace
