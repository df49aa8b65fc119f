// PBM, PGM and PPM, plain and packed, with Pillow's modes and scaling (PpmImagePlugin.py): PBM is
// "1", so that its resize takes the nearest pixel; samples are scaled from the header's largest one
// to 255, those of grey beyond 255 to 65535.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>
#include <vector>

#include "common/image/decoders.h"
#include "common/image/pnm_file.h"

namespace millrace {
namespace {

PixelMode ModeOf(const PnmHeader& header) {
  if (header.bilevel()) return PixelMode::kBilevel;
  if (header.bands() == 3) return PixelMode::kRGB;
  return header.top > 255 ? PixelMode::kI : PixelMode::kL;
}

// What each sample becomes: round(sample / top * 255 or 65535), to even where it lies in the
// middle, as Python rounds; a packed sample may be beyond the largest one.
class Scale {
 public:
  Scale(const PnmHeader& header, PixelMode mode) {
    const int out_top = mode == PixelMode::kI ? 65535 : 255;
    const auto top = static_cast<double>(header.top);
    values_.resize(header.top > 255 ? 65536 : 256);
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const double scaled = std::nearbyint(static_cast<double>(i) / top * out_top);
      values_[i] = static_cast<std::uint16_t>(std::min<double>(scaled, out_top));
    }
  }
  [[nodiscard]] std::uint16_t Of(std::size_t sample) const { return values_[sample]; }

 private:
  std::vector<std::uint16_t> values_;
};

void Put(Picture& picture, std::int64_t sample, std::uint16_t value) {
  if (picture.mode == PixelMode::kI) {
    std::memcpy(picture.bytes.data() + 2 * sample, &value, sizeof value);
  } else {
    picture.bytes.data()[sample] = static_cast<std::uint8_t>(value);
  }
}

// The bits of a packed PBM row: 1 is black.
void PutBits(std::string_view row, Picture& picture, int y) {
  std::uint8_t* to = picture.row(y);
  for (int x = 0; x < picture.width; ++x) {
    const auto byte = static_cast<unsigned char>(row[static_cast<std::size_t>(x) / 8]);
    to[x] = (byte >> (7 - x % 8) & 1) != 0 ? 0 : 255;
  }
}

// Rows of bytes, as many as are there; returns whether all are.
bool ReadPacked(const PnmHeader& header, std::string_view file, Picture& picture) {
  const Scale scale(header, picture.mode);
  std::string_view data = file.substr(header.data_at);
  const auto row_bytes = static_cast<std::size_t>(header.row_bytes());
  const std::int64_t samples = header.width * header.bands();
  for (int y = 0; y < picture.height; ++y) {
    if (data.size() < row_bytes) return false;
    const std::string_view row = data.substr(0, row_bytes);
    data.remove_prefix(row_bytes);
    if (header.bilevel()) {
      PutBits(row, picture, y);
      continue;
    }
    const auto byte = [&](std::int64_t i) {
      return static_cast<std::size_t>(static_cast<unsigned char>(row[static_cast<std::size_t>(i)]));
    };
    for (std::int64_t i = 0; i < samples; ++i) {
      const std::size_t sample = header.top > 255 ? byte(2 * i) << 8 | byte(2 * i + 1) : byte(i);
      Put(picture, y * samples + i, scale.Of(sample));
    }
  }
  return true;
}

enum class PlainEnd { kComplete, kEnded, kBad };

PlainEnd ReadPlain(const PnmHeader& header, std::string_view file, Picture& picture) {
  const Scale scale(header, picture.mode);
  PnmWords words(file, header.data_at);
  const std::int64_t samples = header.width * header.height * header.bands();
  for (std::int64_t i = 0; i < samples; ++i) {
    if (header.bilevel()) {
      const char digit = words.NextDigit();
      if (digit == 0) return PlainEnd::kEnded;
      if (digit != '0' && digit != '1') return PlainEnd::kBad;
      picture.bytes.data()[i] = digit == '1' ? 0 : 255;
      continue;
    }
    const std::string_view word = words.Next();
    if (word.empty()) return PlainEnd::kEnded;
    const auto number = PnmNumber(word);
    if (!number || *number > header.top) return PlainEnd::kBad;
    Put(picture, i, scale.Of(static_cast<std::size_t>(*number)));
  }
  return PlainEnd::kComplete;
}

}  // namespace

Result<Decoded> DecodePnm(FileBytes bytes, const DecodeOptions& options) {
  const std::string_view file(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  PnmHeaderFault fault;
  const auto header = ReadPnmHeader(file, fault);
  if (!header) {
    return Fail(fault.ended ? ErrorCode::kTruncated : ErrorCode::kCorrupt,
                fault.ended ? "the PNM ends within its header"
                            : "the numbers in the PNM's header are invalid");
  }
  RETURN_IF_ERROR(CheckSize(header->width, header->height, options));
  Decoded decoded;
  decoded.picture = Picture::Zeroed(ModeOf(*header), static_cast<int>(header->width),
                                    static_cast<int>(header->height));
  PlainEnd end = PlainEnd::kComplete;
  if (header->plain()) {
    end = ReadPlain(*header, file, decoded.picture);
  } else if (!ReadPacked(*header, file, decoded.picture)) {
    end = PlainEnd::kEnded;
  }
  if (end == PlainEnd::kComplete) return decoded;
  const bool ended = end == PlainEnd::kEnded;
  RETURN_IF_ERROR(NoteTruncated(
      ended,
      ended ? "the PNM ends before its last pixel" : "a pixel of the PNM is not a number in range",
      options, decoded));
  return decoded;
}

}  // namespace millrace
