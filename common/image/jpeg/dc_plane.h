// A component's DC coefficients as rows of blocks, for the search for seams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/image/jpeg/dc_seam.h"

namespace millrace {

// Eight times the samples' levels: up to DcPlane::kLargest, and four times that for differences.
using DcRow = std::vector<std::int16_t>;
using DcValues = std::span<const std::int16_t>;

// Both return 0 if there are no values. MedianOf changes their order.
int MedianOf(std::vector<int>& values);
int Median(DcValues values);
// Returns the median distance from a value.
int MedianDistance(DcValues values, int from);

// The rows of blocks that border on another row of MCUs.
class DcPlane {
 public:
  // No sample's DC is larger. The reader tells of larger ones elsewhere.
  static constexpr int kLargest = 4095;

  // Takes the part `number` of the scan.
  DcPlane(const DcCoefficients& dcs, std::size_t number, std::int64_t columns, std::int64_t rows);

  [[nodiscard]] int h() const { return part_.h; }
  [[nodiscard]] int v() const { return part_.v; }
  [[nodiscard]] int step() const { return part_.step; }
  // Blocks in a row, and rows of MCUs.
  [[nodiscard]] std::size_t width() const { return width_; }
  [[nodiscard]] std::size_t rows() const { return rows_; }

  // The first and the last row of blocks of a row of MCUs.
  [[nodiscard]] const std::int16_t* Top(std::size_t row) const {
    return top_.data() + row * width_;
  }
  [[nodiscard]] const std::int16_t* Bottom(std::size_t row) const {
    return (part_.v == 1 ? top_ : bottom_).data() + row * width_;
  }

  // Writes to `out` how the blocks below the border between the rows of MCUs `row` - 1 and `row`
  // differ from those above it, less a share of the expectation: `quarters` of it, 0 to 2. The
  // expectation is the difference within both rows of MCUs; if an MCU has one row of blocks, it is
  // the difference at the next border, above or below.
  void Residual(std::size_t row, bool above, int quarters, DcRow& out) const;
  // Whether there is an expectation, above and below.
  [[nodiscard]] bool HasExpectation(std::size_t row) const {
    return part_.v > 1 || (row > 1 && row + 1 < rows_);
  }

 private:
  void Fill(const DcCoefficients& dcs, std::size_t first, DcRow& to) const;

  DcCoefficients::Part part_;
  std::size_t width_;
  std::size_t rows_;
  DcRow top_;
  DcRow bottom_;  // none where it would be the same
};

}  // namespace millrace
