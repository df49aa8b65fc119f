// The pixels of each output. Pure: pixels in, pixels out. Pictures are uint8 H×W×3 (R, G, B),
// labels and masks uint8 H×W, all rows packed without padding.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace millrace {

using Pixels = std::vector<std::uint8_t>;

// Of which labels something is kept: index by label.
using KeptLabels = std::array<bool, 256>;

// How strongly a class's colour covers the picture in an overlay.
inline constexpr double kOverlayAlpha = 0.5;

// The picture where a kept label is, black elsewhere. `rgb` has three bytes for each of `labels`.
Pixels PaintMasked(std::span<const std::uint8_t> rgb, std::span<const std::uint8_t> labels,
                   const KeptLabels& kept);

// 255 where a kept label is, 0 elsewhere.
Pixels PaintMask(std::span<const std::uint8_t> labels, const KeptLabels& kept);

// The picture with the colour of the label (LabelPalette) blended over it at kOverlayAlpha, rounded
// to nearest, where a kept label is.
Pixels PaintOverlay(std::span<const std::uint8_t> rgb, std::span<const std::uint8_t> labels,
                    const KeptLabels& kept);

// Labels at another size, by nearest as Pillow does it: the source index of a pixel is
// ⌊(i + 0.5)·in/out⌋.
Pixels ResizeLabels(std::span<const std::uint8_t> labels, int in_width, int in_height,
                    int out_width, int out_height);

// {"path": KEY, "areas": {"skin": 10234, ...}}: pixels of every label present, in the labels'
// order. KEY as json_text.h writes bytes.
std::string AreasLine(std::string_view key, std::span<const std::uint8_t> labels);

}  // namespace millrace
