// The seam that a flipped bit leaves in a picture.
//
// DC coefficients are coded as differences from one block to the next. A flipped bit often leaves
// data that is valid code, and a DC that is off by the same amount in all blocks that follow, in
// the order of the data: to the right in this row of MCUs, and in all rows below. The seam has two
// legs, above the MCUs from the damage to the row's end, and below those before it:
//
//     . . . . . . . . .
//     . . . . x---------     x: the damage; ---: the legs, across which
//     ---------# # # # #     the DC jumps by one constant
//     # # # # # # # # #
//
// No edge of a sound picture is known to run like that: along the borders of MCUs, exactly one row
// of MCUs up at some column, with the same step on both legs, which no picture shows but one of
// flat areas; so those are passed over.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/image/jpeg/frame.h"

namespace millrace {

struct DcSeam {
  std::int64_t mcu = 0;  // where it begins, give or take a few
  double levels = 0;     // by how much the samples behind it are off
  // That, in units of the usual step between two rows of MCUs of this picture.
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

// `restart_interval`: in MCUs, or 0.
std::optional<DcSeam> FindDcSeam(const DcCoefficients& dcs, const JpegScan& scan,
                                 std::int64_t restart_interval);

}  // namespace millrace
