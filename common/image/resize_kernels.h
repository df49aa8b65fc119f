// The two passes of the resize on 8-bit samples, for the widest vectors of the CPU at run time.
//
// Each output sample is clip((2^21 + sum of fixed weight * sample) >> 22, 0, 255). The sums are of
// integers, so that every order of summation gives the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/image/resize_weights.h"

namespace millrace {

// Shrinks or enlarges rows. Stateless after construction; safe to use from several threads.
class HorizontalPass {
 public:
  // `channels`: interleaved samples a pixel: 1, 3 or 4.
  HorizontalPass(const AxisWeights& axis, int channels);

  // `in` must be readable for PixelBytes::kSlack bytes beyond its last row.
  void Run(const std::uint8_t* in, std::size_t in_stride, std::uint8_t* out, std::size_t out_stride,
           int rows) const;

 private:
  int channels_;
  int out_size_;
  std::vector<std::uint32_t> first_;  // bytes from a row's start to the first tap
  std::vector<std::uint32_t> begin_;  // out_size + 1: where an output's vectors of weights begin
  // Weights, split as high * 2^11 + low, in the order in which the kernel multiplies them.
  std::vector<std::int16_t> high_;
  std::vector<std::int16_t> low_;
};

// `in` has axis.in_size rows of `row_bytes` samples each, whatever their channels; `out` gets
// axis.out_size rows.
void VerticalPass(const AxisWeights& axis, const std::uint8_t* in, std::size_t in_stride,
                  std::size_t row_bytes, std::uint8_t* out, std::size_t out_stride);

}  // namespace millrace
