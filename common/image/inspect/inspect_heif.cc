#include "common/image/inspect/inspectors.h"

namespace millrace {

std::optional<Finding> InspectHeif(FileBytes file, const InspectOptions& options,
                                   ImageFormat format) {
  // libheif parses all boxes before it says anything of the picture, which is then only decoded.
  const auto decoded = DecodeHeif(file,
                                  {.max_pixels = options.max_pixels,
                                   .max_side = options.max_side,
                                   .max_bytes = options.max_bytes,
                                   .accept_truncated = options.level == InspectLevel::kOpen},
                                  format);
  if (!decoded) return Finding{decoded.error().code, decoded.error().message, {}, {}};
  return std::nullopt;
}

}  // namespace millrace
