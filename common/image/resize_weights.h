// The weights of Pillow's bilinear resize along one axis.
#pragma once

#include <cstdint>
#include <vector>

namespace millrace {

// Output pixel i is the sum of weight[j] * input[first[i] + j] over j < count[i]; its weights begin
// at i * taps. Source: precompute_coeffs in Pillow's src/libImaging/Resample.c, with the box being
// the whole picture: a triangle of support 1 when enlarging, of the scale when shrinking.
struct AxisWeights {
  int in_size = 0;
  int out_size = 0;
  int taps = 0;  // the most weights that an output pixel can have
  std::vector<int> first;
  std::vector<int> count;
  std::vector<double> exact;        // sums to 1; used for 16-bit samples
  std::vector<std::int32_t> fixed;  // exact * 2^22, rounded half away from zero; for 8-bit samples
};

// Bits behind the point in `fixed`: 32 minus 8 for the sample minus 2 for headroom.
inline constexpr int kWeightBits = 22;

AxisWeights BilinearWeights(int in_size, int out_size);

}  // namespace millrace
