// The picture decoders and inspectors under libFuzzer.
//
// Decoding, by the two ways that preprocess goes: any bytes as a file give a picture within the
// caps or an error, in memory bounded by the caps and the file; both ways give the same pixels; and
// refusing cut files changes nothing but that. Inspecting: any bytes give a verdict, in the same
// memory; and a closer look never finds less.
//
// What the file is that is not read in full is asked of every file, in memory bounded by its size.
//
// Else TIFF, JPEG 2000, HEIC and AVIF are left out. All but their headers is read by OpenCV,
// libtiff, OpenJPEG, libheif and libde265 of the system, which are not instrumented, so that
// nothing would steer the search; what it would find is theirs to mend; and one of their files may
// take seconds.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <span>
#include <string>

#include "common/image/decode.h"
#include "common/image/decode_resized.h"
#include "common/image/inspect.h"
#include "common/image/transpose.h"
#include "common/image/unread_family.h"
#include "tests/fuzz/heap_peak.h"
#include "tests/fuzz/require.h"

namespace millrace {
namespace {

constexpr std::int64_t kMaxPixels = 1 << 14;
constexpr std::int64_t kMaxSide = 1 << 10;
constexpr PixelSize kSize{24, 20};

// The caps' pixels: as the picture and once more, in 4 bytes each, and 8 bytes of coefficients in a
// progressive JPEG; then the libraries' own tables, of which libwebp's are the largest.
constexpr std::size_t kMaxHeapBytes = std::size_t{4} << 20;

using Bytes = std::span<const std::byte>;

bool LeftOut(Bytes file) {
  const auto format = SniffFormat(file.first(std::min(file.size(), kSniffBytes)));
  return format == ImageFormat::kTiff || format == ImageFormat::kJpeg2000 ||
         format == ImageFormat::kHeic || format == ImageFormat::kAvif;
}

bool SamePixels(const Picture& a, const Picture& b) {
  return a.mode == b.mode && a.width == b.width && a.height == b.height &&
         a.bytes.size() == b.bytes.size() &&
         std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()) == 0 &&
         (a.palette == nullptr) == (b.palette == nullptr) &&
         (a.palette == nullptr || *a.palette == *b.palette);
}

void CheckError(const Error& error) {
  switch (error.code) {
    case ErrorCode::kEmpty:
    case ErrorCode::kNotAnImage:
    case ErrorCode::kTooLarge:
    case ErrorCode::kTruncated:
    case ErrorCode::kCorrupt:
    case ErrorCode::kUnsupportedFormat:
      return Require(!error.message.empty(), "an error says what is wrong");
    default:
      Require(false, "a decoder's error is one that decode.h names");
  }
}

void CheckPicture(const Decoded& decoded) {
  const Picture& picture = decoded.picture;
  Require(picture.width >= 1 && picture.width <= kMaxSide, "the width is within its cap");
  Require(picture.height >= 1 && picture.height <= kMaxSide, "the height is within its cap");
  Require(std::int64_t{picture.width} * picture.height <= kMaxPixels, "so is their product");
  Require(picture.bytes.size() == picture.stride() * static_cast<std::size_t>(picture.height),
          "a picture has the bytes of its size");
  Require((picture.palette != nullptr) == (picture.mode == PixelMode::kP),
          "a picture has a palette where its pixels are indices");
  Require(decoded.orientation >= 1 && decoded.orientation <= 8, "an orientation is one of EXIF's");
}

bool IsCut(const Decoded& decoded) {
  return std::find(decoded.warnings.begin(), decoded.warnings.end(), kWarningTruncated) !=
         decoded.warnings.end();
}

// Refusing cut files: an error for those that come with the warning, no difference for the others.
void CheckStrict(Bytes file, DecodeOptions options, const Result<Decoded>& lenient) {
  options.accept_truncated = false;
  const auto strict = DecodePicture(file, options);
  if (lenient && IsCut(*lenient)) {
    Require(!strict && (strict.error().code == ErrorCode::kTruncated ||
                        strict.error().code == ErrorCode::kCorrupt),
            "a cut file is refused as truncated or corrupt");
    return;
  }
  Require(strict.has_value() == lenient.has_value(), "a whole file is as good to the strict");
  if (!strict) {
    Require(strict.error().code == lenient.error().code, "a bad file is as bad to the lenient");
    return;
  }
  Require(SamePixels(strict->picture, lenient->picture), "a whole file has one picture");
}

// decode_resized.h: the same pixels and errors as one step after the other.
void CheckResized(Bytes file, const DecodeOptions& options, const ResizeOptions& resize,
                  Result<Decoded> decoded) {
  const auto at_once = DecodeResized(file, options, resize);
  Require(at_once.has_value() == decoded.has_value(), "both ways decode a file, or neither");
  if (!decoded) {
    Require(at_once.error().code == decoded.error().code, "both ways give the same error");
    return;
  }
  const auto in_steps = Resized(*decoded, resize);
  Require(in_steps.has_value(), "a small picture can be resized");
  Require(at_once->picture.mode == PixelMode::kRGB && at_once->picture.width == kSize.width &&
              at_once->picture.height == kSize.height,
          "a resized picture has the size asked for");
  Require(SamePixels(at_once->picture, in_steps->picture), "both ways give the same pixels");
  Require(at_once->width == in_steps->width && at_once->height == in_steps->height &&
              at_once->mode == in_steps->mode && at_once->orientation == in_steps->orientation &&
              at_once->warnings == in_steps->warnings,
          "both ways say the same of the picture");
}

std::optional<Finding> InspectAt(InspectLevel level, Bytes file) {
  InspectOptions options{.level = level, .max_pixels = kMaxPixels, .max_side = kMaxSide};
  options.max_total_pixels = 4 * kMaxPixels;
  const HeapPeak peak;
  const Inspection inspection = Inspect(file, "picture.jpg", options);
  Require(peak.bytes() <= kMaxHeapBytes + 2 * file.size(),
          "inspecting takes memory within the caps, not " + std::to_string(peak.bytes()));
  if (inspection.finding) {
    Require(!inspection.finding->what.empty(), "a finding says what is wrong");
    Require(!inspection.finding->lost ||
                (*inspection.finding->lost >= 0 && *inspection.finding->lost <= 1),
            "a share is one");
    Require(!inspection.finding->offset ||
                (*inspection.finding->offset >= 0 &&
                 *inspection.finding->offset <= static_cast<std::int64_t>(file.size())),
            "an offset lies in the file");
  }
  return inspection.finding;
}

void CheckFamily(Bytes file) {
  const HeapPeak peak;
  const auto family = FindUnreadFamily(file);
  Require(peak.bytes() <= (std::size_t{1} << 20) + 8 * file.size(),
          "telling what a file is takes memory by its size, not " + std::to_string(peak.bytes()));
  Require(!family || !family->what.empty(), "a kind that is not read has a name");
  const auto appended = FindAppended(file);
  Require(!appended || !appended->empty(), "so has what is appended");
}

void CheckInspection(Bytes file) {
  const auto opened = InspectAt(InspectLevel::kOpen, file);
  const auto decoded = InspectAt(InspectLevel::kDecode, file);
  const auto strict = InspectAt(InspectLevel::kStrict, file);
  Require(!opened || (decoded && decoded->code == opened->code),
          "what is wrong with a header stays wrong at decode");
  Require(!decoded || (strict && strict->code == decoded->code),
          "what is wrong with pixels stays wrong at strict");
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  // OpenCV complains of every cut PNM here, and slows the fuzzer down to the terminal's speed.
  std::cerr.setstate(std::ios::failbit);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;
  const Bytes file = std::as_bytes(std::span(data, size));
  CheckFamily(file);
  if (LeftOut(file)) return 0;
  DecodeOptions options;
  options.max_pixels = kMaxPixels;
  options.max_side = kMaxSide;
  // From the size, so that an input is a file that any viewer opens.
  ResizeOptions resize;
  resize.size = kSize;
  resize.order = size % 2 == 0 ? PassOrder::k13 : PassOrder::kOlder;
  resize.apply_orientation = size % 4 < 2;

  const HeapPeak peak;
  auto decoded = DecodePicture(file, options);
  Require(peak.bytes() <= kMaxHeapBytes + 2 * size,
          "decoding takes memory within the caps, not " + std::to_string(peak.bytes()));
  if (decoded) {
    CheckPicture(*decoded);
  } else {
    CheckError(decoded.error());
  }
  CheckInspection(file);
  CheckStrict(file, options, decoded);
  CheckResized(file, options, resize, std::move(decoded));
  return 0;
}
