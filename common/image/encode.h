// Pictures into files' bytes. JPEG equals Pillow's save() at the same quality byte for byte, where
// both use the same libjpeg-turbo (4:2:0, standard Huffman tables).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace millrace {

enum class FileFormat { kJpeg, kPng, kWebp, kBmp, kTiff };

// Without the dot: "jpg", "png", "webp", "bmp", "tif".
std::string_view FileSuffix(FileFormat format);

// What a name's extension promises, whatever its letters' case; nothing for extensions that are not
// written here. A name that begins with its only dot has no extension.
std::optional<FileFormat> FileFormatOfName(std::string_view path);

// Rows packed without padding; 3 bytes a pixel (R, G, B) or 1, as the function says. Not owned.
struct PixelView {
  const std::uint8_t* data = nullptr;
  int width = 0;   // pixels, 1 or more
  int height = 0;  // pixels, 1 or more
};

using FileBytes = std::vector<std::uint8_t>;

// `quality` is 1 to 100 and concerns JPEG and WebP. All fail with kTooLarge where the format cannot
// hold so many pixels a side (WebP: 16,383; JPEG: 65,535), else with kWriteFailed and the library's
// words.
Result<FileBytes> EncodeRgb(const PixelView& rgb, FileFormat format, int quality);

// One byte a pixel, 0 black to 255 white.
Result<FileBytes> EncodeGreyPng(const PixelView& grey);

using Rgb = std::array<std::uint8_t, 3>;

// One byte a pixel, an index into the palette, which travels in the file.
Result<FileBytes> EncodeIndexedPng(const PixelView& indices, std::span<const Rgb, 256> palette);

}  // namespace millrace
