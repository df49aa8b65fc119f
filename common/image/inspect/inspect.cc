#include "common/image/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <new>

#include "common/image/inspect/inspectors.h"

namespace millrace {
namespace {

std::optional<Finding> InspectFormat(ImageFormat /*format*/, FileBytes file,
                                     const InspectOptions& options) {
  return InspectByDecoding(file, options);
}

}  // namespace

Inspection Inspect(std::span<const std::byte> file, std::string_view /*name*/,
                   const InspectOptions& options) {
  if (file.empty()) return {{}, Finding{ErrorCode::kEmpty, "the file is empty (0 bytes)", {}, {}}};
  const auto format = SniffFormat(file.first(std::min(file.size(), kSniffBytes)));
  if (!format) {
    return {
        {},
        Finding{
            ErrorCode::kNotAnImage, "its first bytes are those of no known image format", {}, {}}};
  }
  if (static_cast<std::uint64_t>(file.size()) > static_cast<std::uint64_t>(options.max_bytes)) {
    return {format, Finding{ErrorCode::kTooLarge,
                            fmt::format("{} bytes are over the cap of {} (option max_bytes)",
                                        file.size(), options.max_bytes),
                            {},
                            {}}};
  }
  try {
    return {format, InspectFormat(*format, file, options)};
  } catch (const std::bad_alloc&) {
    return {format, Finding{ErrorCode::kTooLarge, "not enough memory to look at it", {}, {}}};
  } catch (const std::exception& error) {
    return {format, Finding{ErrorCode::kCorrupt, error.what(), {}, {}}};
  }
}

}  // namespace millrace
