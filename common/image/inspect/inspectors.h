// The inspectors behind Inspect, one a format. Each is given a file with its format's signature and
// judges it up to the level; what all formats share is inspect.cc's. They may throw std::bad_alloc.
#pragma once

#include <optional>
#include <string>

#include "common/image/decoders.h"
#include "common/image/inspect.h"

namespace millrace {

std::optional<Finding> InspectJpeg(FileBytes file, const InspectOptions& options);
std::optional<Finding> InspectPng(FileBytes file, const InspectOptions& options);
std::optional<Finding> InspectWebp(FileBytes file, const InspectOptions& options);
std::optional<Finding> InspectGif(FileBytes file, const InspectOptions& options);
std::optional<Finding> InspectTiff(FileBytes file, const InspectOptions& options);
std::optional<Finding> InspectBmp(FileBytes file, const InspectOptions& options);
// HEIC and AVIF. Without libheif: kUnsupportedFormat, naming the package.
std::optional<Finding> InspectHeif(FileBytes file, const InspectOptions& options,
                                   ImageFormat format);
std::optional<Finding> InspectJpeg2000(FileBytes file, const InspectOptions& options);
std::optional<Finding> InspectPnm(FileBytes file, const InspectOptions& options);

// What CheckSize (decoders.h) says of the header's numbers.
std::optional<Finding> CheckSides(std::int64_t width, std::int64_t height,
                                  const InspectOptions& options);

// kTrailingData where there are bytes from `end` on, at the level that asks.
std::optional<Finding> CheckTrailing(FileBytes file, std::size_t end,
                                     const InspectOptions& options);

// kBadMetadata where a block of EXIF, with or without "Exif\0\0" before it, does not parse.
// `offset`: where it lies in the file.
std::optional<Finding> CheckExif(FileBytes block, std::size_t offset);

}  // namespace millrace
