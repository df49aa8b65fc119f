#include "common/image/decode.h"
#include "common/image/inspect/inspectors.h"

namespace millrace {

std::optional<Finding> InspectByDecoding(FileBytes file, const InspectOptions& options) {
  const auto decoded =
      DecodePicture(file, {.max_pixels = options.max_pixels,
                           .max_side = options.max_side,
                           .max_bytes = options.max_bytes,
                           .accept_truncated = options.level == InspectLevel::kOpen});
  if (!decoded) return Finding{decoded.error().code, decoded.error().message, {}, {}};
  return std::nullopt;
}

}  // namespace millrace
