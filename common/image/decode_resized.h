// A file's bytes to a small RGB picture: decode, turn upright where asked, resize, convert.
#pragma once

#include "common/image/decode.h"
#include "common/image/resize.h"

namespace millrace {

struct ResizeOptions {
  PixelSize size{512, 512};
  PassOrder order = PassOrder::k13;
  bool apply_orientation = false;
};

struct DecodedResized {
  Picture picture;  // kRGB, of the size asked for
  // Of the file's picture; width and height after turning where orientation is applied.
  ImageFormat format = ImageFormat::kJpeg;
  PixelMode mode = PixelMode::kRGB;
  int width = 0;
  int height = 0;
  int orientation = 1;  // as Decoded has it, applied or not
  std::vector<std::string> warnings;
};

// The same pixels as DecodePicture, Oriented, ResizeLikePillow and ToRgb one after the other give,
// with the same errors.
Result<DecodedResized> DecodeResized(std::span<const std::byte> file,
                                     const DecodeOptions& decode_options,
                                     const ResizeOptions& resize_options);

// The steps after DecodePicture, for who needs the whole picture as well: turns decoded.picture
// where asked and gives its small copy. kTooLarge where memory runs out.
Result<DecodedResized> Resized(Decoded& decoded, const ResizeOptions& options);

}  // namespace millrace
