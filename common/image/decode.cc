#include "common/image/decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <new>

#include "common/image/decoders.h"

namespace millrace {

Result<void> CheckSize(std::int64_t width, std::int64_t height, const DecodeOptions& options) {
  if (width <= 0 || height <= 0) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("the header claims a size of {}x{} pixels", width, height));
  }
  if (width > options.max_side || height > options.max_side) {
    return Fail(ErrorCode::kTooLarge,
                fmt::format("{}x{} pixels: a side is over the cap of {} (option max_side)", width,
                            height, options.max_side));
  }
  if (width > options.max_pixels / height) {
    return Fail(ErrorCode::kTooLarge,
                fmt::format("{}x{} pixels are over the cap of {} (option max_pixels)", width,
                            height, options.max_pixels));
  }
  return {};
}

Result<void> NoteTruncated(bool ended, const std::string& what, const DecodeOptions& options,
                           Decoded& decoded) {
  if (!options.accept_truncated) {
    return Fail(ended ? ErrorCode::kTruncated : ErrorCode::kCorrupt, what);
  }
  decoded.warnings.emplace_back(kWarningTruncated);
  return {};
}

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
    case ImageFormat::kAvif:
      return DecodeHeif(file, options, format);
    case ImageFormat::kTiff:
      return DecodeTiff(file, options);
    case ImageFormat::kGif:
      return DecodeGif(file, options);
    case ImageFormat::kPnm:
    case ImageFormat::kJpeg2000:
      return DecodeWithOpenCv(file, options, format);
    default:
      return Fail(ErrorCode::kUnsupportedFormat,
                  fmt::format("this build reads no {} files: convert it to PNG or JPEG",
                              ImageFormatName(format)));
  }
}

}  // namespace

Result<ImageFormat> CheckFile(FileBytes file, const DecodeOptions& options) {
  if (file.empty()) return Fail(ErrorCode::kEmpty, "the file has zero bytes");
  const auto format = SniffFormat(file.first(std::min(file.size(), kSniffBytes)));
  if (!format) {
    return Fail(ErrorCode::kNotAnImage, "its first bytes are those of no known image format");
  }
  if (static_cast<std::uint64_t>(file.size()) > static_cast<std::uint64_t>(options.max_bytes)) {
    return Fail(ErrorCode::kTooLarge,
                fmt::format("{} bytes are over the cap of {} (option max_bytes)", file.size(),
                            options.max_bytes));
  }
  return *format;
}

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
