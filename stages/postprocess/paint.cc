#include "stages/postprocess/paint.h"

#include <cstddef>

#include "common/base/json_text.h"
#include "stages/postprocess/classes.h"

namespace millrace {

Pixels PaintMasked(std::span<const std::uint8_t> rgb, std::span<const std::uint8_t> labels,
                   const KeptLabels& kept) {
  Pixels out(rgb.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!kept[labels[i]]) continue;
    for (std::size_t c = 3 * i; c < 3 * i + 3; ++c) out[c] = rgb[c];
  }
  return out;
}

Pixels PaintMask(std::span<const std::uint8_t> labels, const KeptLabels& kept) {
  Pixels out(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) out[i] = kept[labels[i]] ? 255 : 0;
  return out;
}

Pixels PaintOverlay(std::span<const std::uint8_t> rgb, std::span<const std::uint8_t> labels,
                    const KeptLabels& kept) {
  static constexpr auto kPalette = LabelPalette();
  Pixels out(rgb.begin(), rgb.end());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!kept[labels[i]]) continue;
    for (std::size_t c = 0; c < 3; ++c) {
      const double blended =
          (1 - kOverlayAlpha) * rgb[3 * i + c] + kOverlayAlpha * kPalette[labels[i]][c];
      out[3 * i + c] = static_cast<std::uint8_t>(blended + 0.5);
    }
  }
  return out;
}

Pixels ResizeLabels(std::span<const std::uint8_t> labels, int in_width, int in_height,
                    int out_width, int out_height) {
  // In integers: (2i + 1)·in / (2·out) has no rounding to disagree about.
  const auto source = [](int i, int in, int out) {
    return static_cast<std::size_t>((2 * std::int64_t{i} + 1) * in / (2 * std::int64_t{out}));
  };
  std::vector<std::size_t> columns(static_cast<std::size_t>(out_width));
  for (int x = 0; x < out_width; ++x) {
    columns[static_cast<std::size_t>(x)] = source(x, in_width, out_width);
  }
  Pixels out;
  out.reserve(columns.size() * static_cast<std::size_t>(out_height));
  for (int y = 0; y < out_height; ++y) {
    const std::uint8_t* row =
        labels.data() + source(y, in_height, out_height) * static_cast<std::size_t>(in_width);
    for (const std::size_t column : columns) out.push_back(row[column]);
  }
  return out;
}

std::string AreasLine(std::string_view key, std::span<const std::uint8_t> labels) {
  std::array<std::size_t, 256> counts{};
  for (const std::uint8_t label : labels) ++counts[label];
  std::string line = "{\"path\": \"" + JsonEscapeBytes(key) + "\", \"areas\": {";
  const char* separator = "";
  for (std::size_t label = 0; label < counts.size(); ++label) {
    if (counts[label] == 0) continue;
    line += separator;
    line +=
        '"' + ClassName(static_cast<std::uint8_t>(label)) + "\": " + std::to_string(counts[label]);
    separator = ", ";
  }
  return line + "}}";
}

}  // namespace millrace
