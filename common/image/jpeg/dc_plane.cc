#include "common/image/jpeg/dc_plane.h"

#include <algorithm>
#include <cstdlib>

namespace millrace {

std::size_t DcCoefficients::BlocksInMcu() const {
  std::size_t blocks = 0;
  for (const Part& part : parts) blocks += static_cast<std::size_t>(part.h) * part.v;
  return blocks;
}

int MedianOf(std::vector<int>& values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

int Median(DcValues values) {
  std::vector<int> copy(values.begin(), values.end());
  return MedianOf(copy);
}

int MedianDistance(DcValues values, int from) {
  std::vector<int> copy;
  copy.reserve(values.size());
  for (const int value : values) copy.push_back(std::abs(value - from));
  return MedianOf(copy);
}

DcPlane::DcPlane(const DcCoefficients& dcs, std::size_t number, std::int64_t columns,
                 std::int64_t rows)
    : part_(dcs.parts[number]),
      width_(static_cast<std::size_t>(columns) * part_.h),
      rows_(static_cast<std::size_t>(rows)) {
  std::size_t first = 0;
  for (std::size_t i = 0; i < number; ++i) {
    first += static_cast<std::size_t>(dcs.parts[i].h) * dcs.parts[i].v;
  }
  top_.resize(width_ * rows_);
  Fill(dcs, first, top_);
  if (part_.v == 1) return;
  bottom_.resize(width_ * rows_);
  Fill(dcs, first + static_cast<std::size_t>(part_.h) * (part_.v - 1), bottom_);
}

void DcPlane::Fill(const DcCoefficients& dcs, std::size_t first, DcRow& to) const {
  const std::size_t blocks = dcs.BlocksInMcu();
  const std::int16_t* from = dcs.values.data() + first;
  const int most = kLargest / part_.step;
  const auto dequantized = [&](std::int16_t value) {
    return static_cast<std::int16_t>(std::clamp<int>(value, -most, most) * part_.step);
  };
  std::int16_t* at = to.data();
  std::int16_t* const end = at + to.size();
  if (part_.h == 1) {
    for (; at < end; from += blocks) *at++ = dequantized(*from);
    return;
  }
  for (; at < end; from += blocks) {
    for (int i = 0; i < part_.h; ++i) *at++ = dequantized(from[i]);
  }
}

void DcPlane::Residual(std::size_t row, bool above, int quarters, DcRow& out) const {
  const std::int16_t* const upper = Bottom(row - 1);
  const std::int16_t* const lower = Top(row);
  out.resize(width_);
  std::int16_t* const to = out.data();
  if (part_.v > 1) {
    const std::int16_t* const upper_top = Top(row - 1);
    const std::int16_t* const lower_bottom = Bottom(row);
    // With more than two rows the differences are too far from the border.
    if (part_.v > 2) quarters = 0;
    for (std::size_t x = 0; x < width_; ++x) {
      const auto inner =
          static_cast<std::int16_t>(upper[x] - upper_top[x] + lower_bottom[x] - lower[x]);
      const auto expected =
          static_cast<std::int16_t>(static_cast<std::int16_t>(inner * quarters) >> 2);
      to[x] = static_cast<std::int16_t>(lower[x] - upper[x] - expected);
    }
    return;
  }
  if (above ? row < 2 : row + 1 == rows_) {
    for (std::size_t x = 0; x < width_; ++x) {
      to[x] = static_cast<std::int16_t>(lower[x] - upper[x]);
    }
    return;
  }
  const std::int16_t* const other_upper = above ? Top(row - 2) : lower;
  const std::int16_t* const other_lower = above ? upper : Top(row + 1);
  for (std::size_t x = 0; x < width_; ++x) {
    const auto other = static_cast<std::int16_t>(other_lower[x] - other_upper[x]);
    const auto expected =
        static_cast<std::int16_t>(static_cast<std::int16_t>(other * quarters) >> 1);
    to[x] = static_cast<std::int16_t>(lower[x] - upper[x] - expected);
  }
}

}  // namespace millrace
