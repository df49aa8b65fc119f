// A segmentation model, as the inference stage sees it. No LibTorch here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace millrace {

// Pictures of one size: each height x width x 3 bytes, RGB, row by row. The bytes must stay as they
// are until the call that was given them returns.
struct PictureBatch {
  std::int64_t height = 0;  // pixels
  std::int64_t width = 0;
  std::vector<std::span<const std::byte>> pictures;
};

// The class of each pixel of one picture: height x width, row by row.
using Labels = std::vector<std::uint8_t>;

class Model {
 public:
  virtual ~Model() = default;
  // One Labels a picture, in order. An error is the whole batch's: what is at fault is not known;
  // kUsage where the model gives what no picture's labels can be made of. Called by one thread at a
  // time.
  virtual Result<std::vector<Labels>> Segment(const PictureBatch& batch) = 0;
  // For the log: "cpu", "cuda:0, 2 threads", ...
  [[nodiscard]] virtual std::string RunsOn() const = 0;
  // For the log, as a warning: what a person would not expect of where it runs; "" for nothing.
  [[nodiscard]] virtual std::string Remark() const { return ""; }
};

}  // namespace millrace
