#include "stages/inference/model/upsample_argmax.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

namespace millrace {
namespace {

// Output i lies between inputs low and high: (1 - weight) * low + weight * high.
struct Place {
  std::int64_t low;
  std::int64_t high;
  float weight;
};

// ATen's area_pixel_compute_scale and guard_index_and_lambda, in float as there.
Place At(std::int64_t i, std::int64_t in, std::int64_t out) {
  const float scale = out > 1 ? static_cast<float>(in - 1) / static_cast<float>(out - 1) : 0.0F;
  const float position = scale * static_cast<float>(i);
  const auto low = std::min(static_cast<std::int64_t>(position), in - 1);
  const float weight = std::clamp(position - static_cast<float>(low), 0.0F, 1.0F);
  return {low, std::min(low + 1, in - 1), weight};
}

// One input row of every class, upsampled to out_width columns: classes x out_width.
void UpsampleRow(const float* logits, std::int64_t classes, std::int64_t height, std::int64_t width,
                 std::int64_t row, const std::vector<Place>& columns, float* out) {
  for (std::int64_t c = 0; c < classes; ++c) {
    const float* in = logits + (c * height + row) * width;
    for (const Place& place : columns) {
      *out++ = in[place.low] * (1 - place.weight) + in[place.high] * place.weight;
    }
  }
}

}  // namespace

void UpsampleArgmax(const float* logits, std::int64_t classes, std::int64_t height,
                    std::int64_t width, std::int64_t out_height, std::int64_t out_width,
                    std::int64_t first_row, std::int64_t last_row, std::uint8_t* labels) {
  std::vector<Place> columns;
  for (std::int64_t x = 0; x < out_width; ++x) columns.push_back(At(x, width, out_width));
  const auto row_size = static_cast<std::size_t>(classes * out_width);
  // The two input rows around the current output row; -1: none yet.
  std::vector<float> low_row(row_size);
  std::vector<float> high_row(row_size);
  std::int64_t low_index = -1;
  std::int64_t high_index = -1;
  std::vector<float> best(static_cast<std::size_t>(out_width));
  // Of a float's width, so that one comparison's mask serves both in vector registers.
  std::vector<std::int32_t> label(static_cast<std::size_t>(out_width));
  for (std::int64_t y = first_row; y < last_row; ++y) {
    const Place place = At(y, height, out_height);
    if (place.low != low_index) {
      if (place.low == high_index) {
        std::swap(low_row, high_row);
        high_index = -1;
      } else {
        UpsampleRow(logits, classes, height, width, place.low, columns, low_row.data());
      }
      low_index = place.low;
    }
    if (place.high != high_index) {
      UpsampleRow(logits, classes, height, width, place.high, columns, high_row.data());
      high_index = place.high;
    }
    std::fill(best.begin(), best.end(), -std::numeric_limits<float>::infinity());
    std::fill(label.begin(), label.end(), 0);
    for (std::int64_t c = 0; c < classes; ++c) {
      const float* low = low_row.data() + c * out_width;
      const float* high = high_row.data() + c * out_width;
      float* most = best.data();
      std::int32_t* which = label.data();
      const auto current = static_cast<std::int32_t>(c);
      for (std::int64_t x = 0; x < out_width; ++x) {
        const float value = low[x] * (1 - place.weight) + high[x] * place.weight;
        which[x] = value > most[x] ? current : which[x];
        most[x] = value > most[x] ? value : most[x];
      }
    }
    std::uint8_t* out = labels + y * out_width;
    for (std::int64_t x = 0; x < out_width; ++x) out[x] = static_cast<std::uint8_t>(label[x]);
  }
}

}  // namespace millrace
