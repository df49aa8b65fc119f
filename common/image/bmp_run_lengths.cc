#include <algorithm>
#include <cstring>

#include "common/image/bmp_header.h"

namespace millrace {
namespace {

// What follows a zero in the place of a run's length; larger numbers are of literal pixels.
constexpr std::size_t kEndOfLine = 0;
constexpr std::size_t kEndOfBitmap = 1;
constexpr std::size_t kDelta = 2;

// Pillow's decoder to the letter: its place is the number of pixels so far, and `x`, by which runs
// are cut at the row's end, goes along with that only loosely.
class RunLengths {
 public:
  RunLengths(FileBytes file, const BmpHeader& header, std::uint8_t* to)
      : file_(file),
        at_(std::min(header.pixel_offset, file.size())),
        nibbles_(header.compression == kBmpRle4),
        width_(static_cast<std::size_t>(header.width)),
        wanted_(width_ * static_cast<std::size_t>(header.height)),
        to_(to) {}

  BmpRunLengths Read() {
    bool ended = false;
    while (done_ < wanted_) {
      if (file_.size() - at_ < 2) {
        ended = true;
        break;
      }
      const auto count = std::to_integer<std::size_t>(file_[at_]);
      const auto value = std::to_integer<std::uint8_t>(file_[at_ + 1]);
      at_ += 2;
      if (count > 0) {
        Run(count, value);
      } else if (value == kEndOfLine) {
        done_ = std::min(wanted_, (done_ + width_ - 1) / width_ * width_);
        x_ = 0;
      } else if (value == kEndOfBitmap) {
        break;
      } else if (value == kDelta) {
        if (file_.size() - at_ < 2) {
          ended = true;
          break;
        }
        const auto right = std::to_integer<std::size_t>(file_[at_]);
        const auto up = std::to_integer<std::size_t>(file_[at_ + 1]);
        at_ += 2;
        done_ += std::min(wanted_ - done_, right + up * width_);
        x_ = done_ % width_;
      } else if (!Literal(value)) {
        ended = true;
        break;
      }
    }
    return {.whole = done_ >= wanted_, .ended = ended, .at = at_, .pixels = done_};
  }

 private:
  void Put(std::uint8_t index) {
    if (done_ < wanted_) to_[done_] = index;
    ++done_;
  }

  [[nodiscard]] std::uint8_t Nibble(std::uint8_t byte, std::size_t i) const {
    return i % 2 == 0 ? byte >> 4 : byte & 0x0F;
  }

  void Run(std::size_t count, std::uint8_t value) {
    count = std::min(count, width_ - std::min(x_, width_));
    for (std::size_t i = 0; i < count; ++i) Put(nibbles_ ? Nibble(value, i) : value);
    x_ += count;
  }

  // False where the file ends within them.
  bool Literal(std::size_t given) {
    const std::size_t count = std::min(wanted_ - done_, given);
    const std::size_t bytes = nibbles_ ? (count + 1) / 2 : count;
    const std::size_t have = std::min(bytes, file_.size() - at_);
    for (std::size_t i = 0; i < std::min(count, nibbles_ ? 2 * have : have); ++i) {
      const auto byte = std::to_integer<std::uint8_t>(file_[at_ + (nibbles_ ? i / 2 : i)]);
      Put(nibbles_ ? Nibble(byte, i) : byte);
    }
    at_ += have;
    if (have < bytes) return false;
    x_ += given;
    if (done_ < wanted_ && at_ % 2 != 0 && at_ < file_.size()) ++at_;
    return true;
  }

  FileBytes file_;
  std::size_t at_;
  bool nibbles_;
  std::size_t width_;
  std::size_t wanted_;
  std::uint8_t* to_;
  std::size_t done_ = 0;
  std::size_t x_ = 0;
};

}  // namespace

BmpRunLengths ReadBmpRunLengths(FileBytes file, const BmpHeader& header, std::uint8_t* to) {
  return RunLengths(file, header, to).Read();
}

}  // namespace millrace
