// Finds the seam that a flipped bit leaves in a picture.
//
// A DC coefficient is coded as the difference from the block before. A flipped bit often leaves
// data that is valid code, and the DC of all blocks that follow is off by one constant. In data
// order these are the MCUs to the right of the damage, and all rows of MCUs below. So the seam has
// two legs: above the MCUs from the damage to the row's end, and below those before the damage:
//
//     . . . . . . . . .
//     . . . . x---------     x: the damage; ---: the legs
//     ---------# # # # #     #: off by a constant
//     # # # # # # # # #
//
// An edge of a sound picture would have to follow the borders of MCUs, go up by exactly one row of
// them at some column, jump by the same constant on both legs, and have a picture behind it that
// continues the one before.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/image/jpeg/frame.h"

namespace millrace {

struct DcSeam {
  std::int64_t mcu = 0;  // where it begins, to within a few MCUs
  double levels = 0;     // by how much the samples behind it are off
  // Its size in units of the usual step between two rows of MCUs of this picture.
  double times = 0;
};

// The DC coefficients of a scan, as they were read.
struct DcCoefficients {
  struct Part {
    int h = 1;     // blocks in an MCU: across
    int v = 1;     // and down
    int step = 1;  // of the quantization
  };
  std::vector<Part> parts;
  // Of all blocks, in the order of the data.
  std::vector<std::int16_t> values;

  [[nodiscard]] std::size_t BlocksInMcu() const;
};

// Returns the seam that is the most times the usual step. `restart_interval`: in MCUs, or 0.
std::optional<DcSeam> FindDcSeam(const DcCoefficients& dcs, const JpegScan& scan,
                                 std::int64_t restart_interval);

}  // namespace millrace
