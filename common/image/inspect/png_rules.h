// What is wrong with a PNG's chunks beside the pixels' own, checksums apart; most of it Pillow's
// Image.open and load refuse the file for.
#pragma once

#include <cstdint>
#include <optional>

#include "common/image/inspect/png_chunk.h"
#include "common/image/inspect/png_rows.h"

namespace millrace {

// To be shown every chunk in the file's order, IDAT excepted, with its data all there (of fdAT its
// first four bytes do). Source: the chunk_* methods of PngStream in Pillow's PngImagePlugin.py, 9.4
// and 13.0.
class PngRules {
 public:
  // kCorrupt or kUnsupportedFormat for a header that cannot be used. Where the pixels are there:
  // kSuspicious for chunks that say how they are shown, kBadMetadata for others, kTooLarge for text
  // beyond Pillow's caps.
  std::optional<Finding> Check(const PngChunk& chunk);
  // kSuspicious, of the palette shown last: Pillow opens the file and does not load it.
  [[nodiscard]] std::optional<Finding> CheckPalette() const;

  // By the header; nothing before it. Pixels' bits may be 0: no such combination.
  [[nodiscard]] const std::optional<PngShape>& shape() const { return shape_; }
  // Frames that the file says to have, of an animation.
  [[nodiscard]] const std::optional<std::uint32_t>& frames() const { return frames_; }

 private:
  std::optional<Finding> CheckHeader(const PngChunk& chunk);
  std::optional<Finding> CheckProfile(const PngChunk& chunk);
  std::optional<Finding> CheckText(const PngChunk& chunk);
  std::optional<Finding> CheckAnimation(const PngChunk& chunk);
  std::optional<Finding> AddText(const PngChunk& chunk, std::size_t bytes);
  [[nodiscard]] std::size_t TransparencyBytes() const;

  std::optional<PngShape> shape_;
  int color_type_ = -1;
  std::optional<PngChunk> palette_;
  std::optional<std::uint32_t> frames_;
  std::optional<std::uint32_t> sequence_;  // the last number of an animation's chunk
  std::size_t text_bytes_ = 0;
};

}  // namespace millrace
