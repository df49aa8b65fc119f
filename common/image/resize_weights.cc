#include "common/image/resize_weights.h"

#include <algorithm>
#include <cmath>

namespace millrace {

AxisWeights BilinearWeights(int in_size, int out_size) {
  AxisWeights axis;
  axis.in_size = in_size;
  axis.out_size = out_size;
  // Every operation below is in Pillow's order and precision: a reordered one rounds differently.
  const double scale = static_cast<double>(static_cast<float>(in_size)) / out_size;
  const double filter_scale = std::max(scale, 1.0);
  const double support = 1.0 * filter_scale;
  axis.taps = static_cast<int>(std::ceil(support)) * 2 + 1;

  const auto outputs = static_cast<std::size_t>(out_size);
  const auto taps = static_cast<std::size_t>(axis.taps);
  axis.first.resize(outputs);
  axis.count.resize(outputs);
  axis.exact.assign(outputs * taps, 0.0);
  axis.fixed.assign(outputs * taps, 0);
  const double inverse = 1.0 / filter_scale;
  for (int i = 0; i < out_size; ++i) {
    const double center = (i + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int count = std::min(static_cast<int>(center + support + 0.5), in_size) - first;
    double* weights = axis.exact.data() + static_cast<std::size_t>(i) * taps;
    double sum = 0.0;
    for (int j = 0; j < count; ++j) {
      const double x = std::fabs((j + first - center + 0.5) * inverse);
      weights[j] = x < 1.0 ? 1.0 - x : 0.0;
      sum += weights[j];
    }
    if (sum != 0.0) {
      for (int j = 0; j < count; ++j) weights[j] /= sum;
    }
    axis.first[static_cast<std::size_t>(i)] = first;
    axis.count[static_cast<std::size_t>(i)] = count;
  }
  for (std::size_t i = 0; i < axis.exact.size(); ++i) {
    axis.fixed[i] = static_cast<std::int32_t>(0.5 + axis.exact[i] * (1 << kWeightBits));
  }
  return axis;
}

}  // namespace millrace
