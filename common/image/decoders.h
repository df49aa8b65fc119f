// The decoders behind DecodePicture, one a format. Each is given a file with its format's signature
// and may throw std::bad_alloc.
#pragma once

#include "common/image/decode.h"

namespace millrace {

using FileBytes = std::span<const std::byte>;

// kTooLarge beyond a cap, kCorrupt where a side is not positive; to be called with the header's
// numbers before memory for pixels is taken.
Result<void> CheckSize(std::int64_t width, std::int64_t height, const DecodeOptions& options);

// The outcome of a file whose data went bad after a sound header: the warning, or the error where
// such files are refused. `ended`: the data ended, rather than turned bad.
Result<void> NoteTruncated(bool ended, const std::string& what, const DecodeOptions& options,
                           Decoded& decoded);

Result<Decoded> DecodeJpeg(FileBytes file, const DecodeOptions& options);
Result<Decoded> DecodePng(FileBytes file, const DecodeOptions& options);
Result<Decoded> DecodeWebp(FileBytes file, const DecodeOptions& options);
Result<Decoded> DecodeBmp(FileBytes file, const DecodeOptions& options);
// HEIC and AVIF. Without libheif: kUnsupportedFormat, naming the package.
Result<Decoded> DecodeHeif(FileBytes file, const DecodeOptions& options, ImageFormat format);
// TIFF, PNM and JPEG 2000.
Result<Decoded> DecodeWithOpenCv(FileBytes file, const DecodeOptions& options, ImageFormat format);

}  // namespace millrace
