// What all decoders ask and say, apart from the decoders: who inspects a file needs it without
// them.
#include <fmt/format.h>

#include <algorithm>

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

}  // namespace millrace
