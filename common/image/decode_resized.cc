#include "common/image/decode_resized.h"

#include <new>
#include <utility>

#include "common/image/transpose.h"

namespace millrace {

Result<DecodedResized> Resized(Decoded& decoded, const ResizeOptions& options) {
  try {
    if (options.apply_orientation) {
      decoded.picture = Oriented(std::move(decoded.picture), decoded.orientation);
    }
    DecodedResized result;
    result.format = decoded.format;
    result.mode = decoded.picture.mode;
    result.width = decoded.picture.width;
    result.height = decoded.picture.height;
    result.orientation = decoded.orientation;
    result.warnings = decoded.warnings;
    result.picture = ToRgb(ResizeLikePillow(decoded.picture, options.size, options.order));
    return result;
  } catch (const std::bad_alloc&) {
    return Fail(ErrorCode::kTooLarge, "not enough memory to resize it");
  }
}

Result<DecodedResized> DecodeResized(std::span<const std::byte> file,
                                     const DecodeOptions& decode_options,
                                     const ResizeOptions& resize_options) {
  ASSIGN_OR_RETURN(Decoded decoded, DecodePicture(file, decode_options));
  return Resized(decoded, resize_options);
}

}  // namespace millrace
