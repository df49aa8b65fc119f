#include "common/image/decode.h"

#include <fmt/format.h>

#include <exception>
#include <new>

#include "common/image/decoders.h"

namespace millrace {

namespace {

Result<Decoded> Decode(ImageFormat format, FileBytes file, const DecodeOptions& options) {
  switch (format) {
    case ImageFormat::kJpeg:
      return DecodeJpeg(file, options);
    case ImageFormat::kPng:
      return DecodePng(file, options);
    case ImageFormat::kWebp:
      return DecodeWebp(file, options);
    case ImageFormat::kBmp:
      return DecodeBmp(file, options);
    case ImageFormat::kHeic:
      return DecodeHeif(file, options, format);
    case ImageFormat::kAvif:
      return DecodeAvif(file, options);
    case ImageFormat::kTiff:
      return DecodeTiff(file, options);
    case ImageFormat::kGif:
      return DecodeGif(file, options);
    case ImageFormat::kPnm:
      return DecodePnm(file, options);
    case ImageFormat::kJpeg2000:
      return DecodeJpeg2000(file, options);
    default:
      return Fail(ErrorCode::kUnsupportedFormat,
                  fmt::format("this build reads no {} files: convert it to PNG or JPEG",
                              ImageFormatName(format)));
  }
}

}  // namespace

Result<Decoded> DecodePicture(std::span<const std::byte> file, const DecodeOptions& options) {
  ASSIGN_OR_RETURN(const ImageFormat format, CheckFile(file, options));
  try {
    auto decoded = Decode(format, file, options);
    if (decoded) decoded->format = format;
    return decoded;
  } catch (const std::bad_alloc&) {
    return Fail(ErrorCode::kTooLarge, "not enough memory to decode it");
  } catch (const std::exception& error) {
    return Fail(ErrorCode::kCorrupt, error.what());
  }
}

}  // namespace millrace
