// The inspectors behind Inspect, one a format. Each is given a file with its format's signature and
// judges it up to the level; what all formats share is inspect.cc's. They may throw std::bad_alloc.
#pragma once

#include <optional>
#include <string>

#include "common/image/inspect.h"

namespace millrace {

using FileBytes = std::span<const std::byte>;

std::optional<Finding> InspectJpeg(FileBytes file, const InspectOptions& options);
std::optional<Finding> InspectPng(FileBytes file, const InspectOptions& options);
std::optional<Finding> InspectWebp(FileBytes file, const InspectOptions& options);
std::optional<Finding> InspectGif(FileBytes file, const InspectOptions& options);
std::optional<Finding> InspectTiff(FileBytes file, const InspectOptions& options);
std::optional<Finding> InspectBmp(FileBytes file, const InspectOptions& options);
std::optional<Finding> InspectJpeg2000(FileBytes file, const InspectOptions& options);
std::optional<Finding> InspectPnm(FileBytes file, const InspectOptions& options);

// By decoding all of the first picture, for formats without an inspector of their own.
std::optional<Finding> InspectByDecoding(FileBytes file, const InspectOptions& options);

// kTooLarge beyond a cap, kCorrupt where a side is not positive; to be asked with the header's
// numbers before memory for pixels is taken.
std::optional<Finding> CheckSides(std::int64_t width, std::int64_t height,
                                  const InspectOptions& options);

// kTrailingData where there are bytes from `end` on, at the level that asks.
std::optional<Finding> CheckTrailing(FileBytes file, std::size_t end,
                                     const InspectOptions& options);

// kBadMetadata where a block of EXIF, with or without "Exif\0\0" before it, does not parse.
// `offset`: where it lies in the file.
std::optional<Finding> CheckExif(FileBytes block, std::size_t offset);

}  // namespace millrace
