// The inspectors behind Inspect, one a format. Each is given a file with its format's signature and
// judges it up to the level; what all formats share is inspect.cc's. They may throw std::bad_alloc.
#pragma once

#include <optional>

#include "common/image/inspect.h"

namespace millrace {

using FileBytes = std::span<const std::byte>;

// By decoding all of the first picture, for formats without an inspector of their own.
std::optional<Finding> InspectByDecoding(FileBytes file, const InspectOptions& options);

}  // namespace millrace
