#include "common/image/tiff_frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/image/exif.h"

namespace millrace {
namespace {

using Numbers = std::vector<std::uint64_t>;

constexpr std::uint64_t kWhiteIsZero = 0;
constexpr std::uint64_t kBlackIsZero = 1;
constexpr std::uint64_t kRgb = 2;
constexpr std::uint64_t kPalette = 3;
constexpr std::uint64_t kCmyk = 5;
constexpr std::uint64_t kYCbCr = 6;
constexpr std::uint64_t kLab = 8;
constexpr std::uint64_t kSamplesLimit = 6;  // Pillow's MAX_SAMPLESPERPIXEL

// The fields that Pillow's table of modes is looked up by.
struct Key {
  bool big_endian = false;
  std::uint64_t photometric = kWhiteIsZero;
  std::uint64_t format = 1;  // of samples: 1 unsigned, 2 signed, 3 floating point
  bool reversed = false;     // fill order 2
  std::uint64_t bits = 1;
  std::uint64_t count = 1;
  Numbers extra;
};

// Pillow does not identify such a file, though other programs may: floating point of 64 bits, bands
// of a satellite, raw data of a camera.
tl::unexpected<Error> Unknown() {
  return Fail(ErrorCode::kUnsupportedFormat,
              "a TIFF of a kind that neither Pillow nor this build reads: convert it to 8-bit grey "
              "or RGB");
}

tl::unexpected<Error> Senseless() {
  return Fail(ErrorCode::kCorrupt, "the TIFF's directory describes pixels that cannot be");
}

TiffSamples Lacking(const char* mode, const Key& key) {
  return {
      .bits = static_cast<int>(key.bits), .count = static_cast<int>(key.count), .lacking = mode};
}

Result<TiffSamples> GreySamples(const Key& key) {
  TiffSamples samples{.bits = static_cast<int>(key.bits),
                      .count = static_cast<int>(key.count),
                      .inverted = key.photometric == kWhiteIsZero,
                      .reversed = key.reversed};
  const bool plain = key.photometric == kBlackIsZero && !key.reversed;
  if (key.count == 2) {
    if (!plain || key.format != 1 || key.bits != 8 || key.extra.size() != 1) return Unknown();
    if (key.extra[0] == 1) return Lacking("La", key);
    if (key.extra[0] > 2) return Unknown();
    samples.mode = key.extra[0] == 2 ? PixelMode::kLA : PixelMode::kL;
    return samples;
  }
  if (key.count != 1 || !key.extra.empty()) return Unknown();
  if (key.format == 3) {
    if (key.bits == 32 && !key.reversed) return Lacking("F", key);
    return Unknown();
  }
  if (key.format == 2) {
    if (!plain) return Unknown();
    if (key.bits == 16 || key.bits == 32) return Lacking("I", key);
    return key.bits == 8 ? Result<TiffSamples>(samples) : Unknown();
  }
  switch (key.bits) {
    case 1:
      samples.mode = PixelMode::kBilevel;
      return samples;
    case 2:
    case 4:
    case 8:
      return samples;
    case 12:
      samples.mode = PixelMode::kI16;
      return plain && !key.big_endian ? Result<TiffSamples>(samples) : Unknown();
    case 16:
      samples.mode = PixelMode::kI16;
      samples.inverted = false;  // Pillow leaves white being zero as it is
      if (key.big_endian ? !plain : key.reversed && key.photometric == kWhiteIsZero) {
        return Unknown();
      }
      return samples;
    case 32:
      if (plain && !key.big_endian) return Lacking("I", key);
      return Unknown();
    default:
      return Unknown();
  }
}

Result<TiffSamples> RgbSamples(const Key& key) {
  TiffSamples samples{.mode = PixelMode::kRGB,
                      .bits = static_cast<int>(key.bits),
                      .count = static_cast<int>(key.count),
                      .reversed = key.reversed};
  if (key.bits != 8 && key.bits != 16) return Unknown();
  if (key.count == 3 && key.extra.empty()) {
    return key.reversed && key.bits == 16 ? Result<TiffSamples>(Unknown()) : samples;
  }
  if (key.reversed || key.count < 4 || key.count > (key.bits == 8 ? 6U : 4U)) return Unknown();
  if (key.extra.empty()) {
    if (key.count != 4) return Unknown();
    samples.mode = PixelMode::kRGBA;
    return samples;
  }
  if (key.extra.size() != key.count - 3) return Unknown();
  if (!std::all_of(key.extra.begin() + 1, key.extra.end(), [](auto kind) { return kind == 0; })) {
    return Unknown();
  }
  const bool corel = key.extra[0] == 999 && key.count == 4 && key.bits == 8;
  if (key.extra[0] > 2 && !corel) return Unknown();
  if (key.extra[0] != 0) samples.mode = PixelMode::kRGBA;
  samples.premultiplied = key.extra[0] == 1;
  return samples;
}

Result<TiffSamples> PaletteSamples(const Key& key) {
  TiffSamples samples{.mode = PixelMode::kP,
                      .bits = static_cast<int>(key.bits),
                      .count = static_cast<int>(key.count),
                      .reversed = key.reversed};
  if (key.count == 2 && key.bits == 8 && !key.reversed && key.extra == Numbers{2}) {
    return Lacking("PA", key);
  }
  if (key.count == 2 && key.bits == 8 && !key.reversed && key.extra == Numbers{0}) return samples;
  if (key.count != 1 || !key.extra.empty()) return Unknown();
  if (key.bits != 1 && key.bits != 2 && key.bits != 4 && key.bits != 8) return Unknown();
  return samples;
}

Result<TiffSamples> CmykSamples(const Key& key) {
  if (key.reversed || (key.bits != 8 && key.bits != 16)) return Unknown();
  if (key.count < 4 || key.count > (key.bits == 8 ? 6U : 4U)) return Unknown();
  if (key.extra != Numbers(key.count - 4, 0)) return Unknown();
  return TiffSamples{.mode = PixelMode::kCMYK,
                     .bits = static_cast<int>(key.bits),
                     .count = static_cast<int>(key.count)};
}

// OPEN_INFO.
Result<TiffSamples> SamplesOf(const Key& key, bool uncompressed) {
  if (key.photometric <= kBlackIsZero) return GreySamples(key);
  if (key.format != 1) return Unknown();
  switch (key.photometric) {
    case kRgb:
      return RgbSamples(key);
    case kPalette:
      return PaletteSamples(key);
    case kCmyk:
      return CmykSamples(key);
    case kYCbCr:
      if (key.bits != 8 || key.reversed || !key.extra.empty()) return Unknown();
      if (key.count == 3 && !uncompressed) {
        return TiffSamples{.mode = PixelMode::kRGB, .count = 3};
      }
      if (key.count == 1 && uncompressed) return TiffSamples{};
      return Lacking("YCbCr", key);
    case kLab:
      if (key.bits == 8 && key.count == 3 && !key.reversed && key.extra.empty()) {
        return Lacking("LAB", key);
      }
      return Unknown();
    default:
      return Unknown();
  }
}

// Whether there are files that say so, be they read here or not.
bool Sensible(std::uint64_t photometric, std::uint64_t compression, const Numbers& bits) {
  // CIELab's relatives, colour filter arrays, logarithmic light, a camera's linear light, depth.
  static constexpr std::uint64_t kPhotometrics[] = {9,     10,    32803, 32844,
                                                    32845, 34892, 51177, 52527};
  // Those that libtiff's tiff.h, the DNG specification and Pillow name.
  static constexpr std::uint64_t kCompressions[] = {
      32766, 32767, 32769, 32770, 32771, 32773, 32809, 32895, 32896, 32897, 32898,
      32908, 32909, 32946, 32947, 33003, 33005, 34661, 34676, 34677, 34712, 34887,
      34892, 34925, 34926, 34927, 34933, 34934, 50000, 50001, 50002, 52546};
  const auto among = [](const auto& all, std::uint64_t wanted) {
    return std::find(std::begin(all), std::end(all), wanted) != std::end(all);
  };
  return (photometric <= kLab || among(kPhotometrics, photometric)) &&
         ((compression >= 1 && compression <= 10) || among(kCompressions, compression)) &&
         std::all_of(bits.begin(), bits.end(), [](auto bit) { return bit >= 1 && bit <= 64; });
}

// What Pillow makes of the fields that hold one number a sample.
Result<Key> ReadKey(const TiffDirectory& directory, std::uint64_t compression, bool planar) {
  Key key;
  key.big_endian = directory.big_endian();
  key.photometric = compression == kTiffOldJpeg
                        ? kYCbCr
                        : directory.Number(TiffTag::kPhotometric).value_or(kWhiteIsZero);
  const std::uint64_t fill = directory.Number(TiffTag::kFillOrder).value_or(1);
  if (fill != 1 && fill != 2) return Senseless();
  key.reversed = fill == 2;
  Numbers formats = directory.Numbers(TiffTag::kSampleFormat);
  if (formats.empty()) formats = {1};
  Numbers bits = directory.Numbers(TiffTag::kBitsPerSample);
  if (bits.empty()) bits = {1};
  key.extra = directory.Numbers(TiffTag::kExtraSamples);
  key.count =
      directory.Number(TiffTag::kSamplesPerPixel).value_or(compression == kTiffOldJpeg ? 3 : 1);
  // Planes at the end of which nothing is said are of no concern.
  if (planar && !key.extra.empty() && *std::max_element(key.extra.begin(), key.extra.end()) == 0) {
    bits.resize(bits.size() - std::min(bits.size(), key.extra.size()));
    key.count -= std::min<std::uint64_t>(key.count, key.extra.size());
    key.extra.clear();
  }
  if (key.count > kSamplesLimit) return Unknown();
  if (bits.size() > key.count) bits.resize(key.count);
  if (bits.size() == 1) bits.resize(key.count, bits[0]);
  const auto same = [](const Numbers& all) {
    return std::adjacent_find(all.begin(), all.end(), std::not_equal_to<>()) == all.end();
  };
  const auto is_kind = [](auto kind) { return kind <= 2 || kind == 999; };
  const auto is_format = [](auto format) { return format >= 1 && format <= 6; };
  if (!std::all_of(key.extra.begin(), key.extra.end(), is_kind) ||
      !std::all_of(formats.begin(), formats.end(), is_format)) {
    return Senseless();
  }
  if (key.count == 0 || !Sensible(key.photometric, compression, bits)) return Senseless();
  if (bits.size() != key.count || !same(bits) || !same(formats)) return Unknown();
  key.bits = bits[0];
  key.format = formats[0];
  return key;
}

std::uint8_t Reversed(std::uint8_t byte) {
  byte = static_cast<std::uint8_t>((byte & 0xF0) >> 4 | (byte & 0x0F) << 4);
  byte = static_cast<std::uint8_t>((byte & 0xCC) >> 2 | (byte & 0x33) << 2);
  return static_cast<std::uint8_t>((byte & 0xAA) >> 1 | (byte & 0x55) << 1);
}

// One sample a pixel, of 1, 2, 4 or 8 bits, the first pixel in the highest ones.
void UnpackSmall(const TiffSamples& samples, const std::uint8_t* from, std::uint8_t* to,
                 int width) {
  const int top = (1 << samples.bits) - 1;
  // Grey is spread over the whole range, an index stays one.
  const int factor = samples.mode == PixelMode::kP ? 1 : 255 / top;
  for (int x = 0; x < width; ++x) {
    const int bit = x * samples.bits;
    std::uint8_t byte = from[bit / 8];
    if (samples.reversed) byte = Reversed(byte);
    int value = byte >> (8 - samples.bits - bit % 8) & top;
    if (samples.inverted) value = top - value;
    to[x] = static_cast<std::uint8_t>(value * factor);
  }
}

void Unpack16(const TiffSamples& samples, bool big_endian, const std::uint8_t* from,
              std::uint8_t* to, int width) {
  for (int x = 0; x < width; ++x, from += 2, to += 2) {
    std::uint8_t high = from[big_endian ? 0 : 1];
    std::uint8_t low = from[big_endian ? 1 : 0];
    if (samples.reversed) {
      high = Reversed(high);
      low = Reversed(low);
    }
    const auto value = static_cast<std::uint16_t>(high << 8 | low);
    std::memcpy(to, &value, sizeof value);
  }
}

// Two pixels in three bytes, high bits first.
void Unpack12(const std::uint8_t* from, std::uint8_t* to, int width) {
  for (int x = 0; x < width; ++x, to += 2) {
    const std::uint8_t* pair = from + x / 2 * 3;
    const auto value = static_cast<std::uint16_t>(x % 2 == 0 ? pair[0] << 4 | pair[1] >> 4
                                                             : (pair[1] & 15) << 8 | pair[2]);
    std::memcpy(to, &value, sizeof value);
  }
}

// Whole bytes, of 16 bits the high one, `step` samples apart.
void UnpackBytes(const TiffSamples& samples, int step, int channels, int gap, bool big_endian,
                 const std::uint8_t* from, std::uint8_t* to, int width) {
  const int size = samples.bits / 8;
  const int high = size == 2 && !big_endian ? 1 : 0;
  for (int x = 0; x < width; ++x, from += step * size, to += gap) {
    for (int c = 0; c < channels; ++c) {
      const std::uint8_t byte = from[c * size + high];
      to[c] = samples.reversed ? Reversed(byte) : byte;
    }
  }
}

Result<TiffFrame> ReadFields(const TiffDirectory& directory) {
  for (const TiffTag tag :
       {TiffTag::kWidth, TiffTag::kHeight, TiffTag::kBitsPerSample, TiffTag::kCompression,
        TiffTag::kPhotometric, TiffTag::kFillOrder, TiffTag::kSamplesPerPixel,
        TiffTag::kExtraSamples, TiffTag::kSampleFormat}) {
    if (directory.IsOdd(tag)) return Senseless();
  }
  const auto width = directory.Number(TiffTag::kWidth);
  const auto height = directory.Number(TiffTag::kHeight);
  if (!width || !height) {
    return Fail(ErrorCode::kCorrupt, "the TIFF's directory does not give the picture's size");
  }
  TiffFrame frame;
  constexpr std::uint64_t kMost = std::uint64_t{1} << 40;
  frame.width = static_cast<std::int64_t>(std::min(*width, kMost));
  frame.height = static_cast<std::int64_t>(std::min(*height, kMost));
  frame.compression = directory.Number(TiffTag::kCompression).value_or(kTiffUncompressed);
  const bool planar = directory.Number(TiffTag::kPlanarConfiguration).value_or(1) == 2;
  ASSIGN_OR_RETURN(const Key key, ReadKey(directory, frame.compression, planar));
  ASSIGN_OR_RETURN(frame.samples, SamplesOf(key, frame.uncompressed()));
  frame.planar = planar && directory.Number(TiffTag::kSamplesPerPixel).value_or(key.count) > 1;
  frame.as_rgba = !frame.uncompressed() && key.photometric == kYCbCr &&
                  (frame.compression != kTiffJpeg || planar);
  if (!frame.uncompressed()) {
    frame.reversed_data = frame.samples.reversed;
    frame.samples.reversed = false;  // libtiff turns them
    // Of planes without ExtraSamples libtiff says that the fourth is of an unknown kind, which
    // Pillow's TiffDecode.c takes for premultiplied.
    if (frame.planar && frame.samples.mode == PixelMode::kRGBA && key.extra.empty()) {
      frame.samples.premultiplied = true;
    }
  }
  if (frame.uncompressed() && !directory.Has(TiffTag::kStripOffsets) &&
      !directory.Has(TiffTag::kTileOffsets)) {
    return Fail(ErrorCode::kCorrupt, "the TIFF's directory does not say where the rows are");
  }
  if (frame.samples.mode == PixelMode::kP && !directory.Has(TiffTag::kColorMap)) {
    return Fail(ErrorCode::kCorrupt, "the TIFF's palette is missing");
  }
  frame.orientation = directory.SaysOrientation()
                          ? directory.Orientation()
                          : FindOrientation({}, directory.Bytes(TiffTag::kXmp));
  return frame;
}

}  // namespace

Result<TiffFrame> ReadTiffFrame(const TiffDirectory& directory) {
  auto frame = ReadFields(directory);
  if (!frame && !directory.complete()) {
    return Fail(ErrorCode::kTruncated, "the TIFF ends within its directory");
  }
  return frame;
}

void UnpackTiffRow(const TiffFrame& frame, int plane, bool big_endian, const std::uint8_t* from,
                   std::uint8_t* to, int width) {
  const TiffSamples& samples = frame.samples;
  const int channels = static_cast<int>(BytesPerPixel(samples.mode));
  if (frame.planar && channels > 1 && samples.count > 1) {
    UnpackBytes(samples, 1, 1, channels, big_endian, from, to + plane, width);
  } else if (samples.mode == PixelMode::kI16) {
    if (samples.bits == 12) {
      Unpack12(from, to, width);
    } else {
      Unpack16(samples, big_endian, from, to, width);
    }
  } else if (samples.count == 1 && channels == 1) {
    UnpackSmall(samples, from, to, width);
  } else {
    UnpackBytes(samples, samples.count, channels, channels, big_endian, from, to, width);
    if (samples.premultiplied) Unpremultiply(to, static_cast<std::size_t>(width));
  }
}

void Unpremultiply(std::uint8_t* rgba, std::size_t pixels) {
  for (std::size_t i = 0; i < pixels; ++i, rgba += 4) {
    const int alpha = rgba[3];
    if (alpha == 255) continue;
    for (int c = 0; c < 3; ++c) {
      rgba[c] = alpha == 0 ? std::uint8_t{0}
                           : static_cast<std::uint8_t>(std::min(255, rgba[c] * 255 / alpha));
    }
  }
}

}  // namespace millrace
