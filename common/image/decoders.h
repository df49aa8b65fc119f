// The decoders behind DecodePicture, one a format. Each is given a file with its format's signature
// and may throw std::bad_alloc.
#pragma once

#include "common/image/decode.h"

namespace millrace {

using FileBytes = std::span<const std::byte>;

// The format of a file that may be decoded; kEmpty, kNotAnImage, kTooLarge.
Result<ImageFormat> CheckFile(FileBytes file, const DecodeOptions& options);

// kTooLarge beyond a cap, kCorrupt where a side is not positive; to be called with the header's
// numbers before memory for pixels is taken.
Result<void> CheckSize(std::int64_t width, std::int64_t height, const DecodeOptions& options);

// The outcome of a file whose data went bad after a sound header: the warning, or the error where
// such files are refused. `ended`: the data ended, rather than turned bad.
Result<void> NoteTruncated(bool ended, const std::string& what, const DecodeOptions& options,
                           Decoded& decoded);

// A progressive file may carry any number of scans, each of which can cost a pass over the whole
// picture for a few bytes. Encoders write about ten; libjpeg-turbo's own fuzzers stop at 500.
inline constexpr int kMaxJpegScans = 500;

// Takes a JPEG's rows as they are decoded, from the top down, so that the whole need never be in
// memory.
class RowSink {
 public:
  virtual ~RowSink() = default;
  // Once, before any row. May throw std::bad_alloc.
  virtual void Begin(PixelMode mode, int width, int height, int orientation) = 0;
  // Where rows y to y + count - 1 are to be written, packed; count is at most kRowsAtOnce.
  static constexpr int kRowsAtOnce = 16;
  virtual std::uint8_t* Rows(int y, int count) = 0;
  // The rows of the last call are complete.
  virtual void RowsDone(int y, int count) = 0;
  // Rows from y on are missing: they are 0. The last call, if it comes.
  virtual void Missing(int y) = 0;
};

// DecodeJpeg, but for the picture, which goes to `sink` and is left empty in the result.
Result<Decoded> DecodeJpegInto(RowSink& sink, FileBytes file, const DecodeOptions& options);

Result<Decoded> DecodeJpeg(FileBytes file, const DecodeOptions& options);
Result<Decoded> DecodePng(FileBytes file, const DecodeOptions& options);
Result<Decoded> DecodeWebp(FileBytes file, const DecodeOptions& options);
Result<Decoded> DecodeBmp(FileBytes file, const DecodeOptions& options);
Result<Decoded> DecodeAvif(FileBytes file, const DecodeOptions& options);
// HEIC and AVIF. Without libheif: kUnsupportedFormat, naming the package.
Result<Decoded> DecodeHeif(FileBytes file, const DecodeOptions& options, ImageFormat format);
Result<Decoded> DecodeTiff(FileBytes file, const DecodeOptions& options);
Result<Decoded> DecodeGif(FileBytes file, const DecodeOptions& options);
Result<Decoded> DecodePnm(FileBytes file, const DecodeOptions& options);
Result<Decoded> DecodeJpeg2000(FileBytes file, const DecodeOptions& options);

}  // namespace millrace
