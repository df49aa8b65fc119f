// What a JPEG's frame and scan headers say (ITU-T T.81, B.2.2 and B.2.3).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace millrace {

struct JpegComponent {
  int id = 0;
  int h = 1;  // sampling factors, 1 to 4
  int v = 1;
  int quantization = 0;  // the number of its table
  // Of each coefficient, how many low bits have not been sent yet; -1: nothing has.
  std::array<std::int8_t, 64> bits_missing;
  // Of each block of a progressive frame, which coefficients are known not to be zero. Taken by the
  // first scan that has any but the first one.
  std::vector<std::uint64_t> nonzero;

  JpegComponent() { bits_missing.fill(-1); }
};

struct JpegFrame {
  int marker = 0;  // 0xC0 to 0xCF
  int bits = 8;    // of a sample
  std::int64_t width = 0;
  std::int64_t height = 0;
  int h_max = 1;
  int v_max = 1;
  std::vector<JpegComponent> components;

  [[nodiscard]] bool progressive() const { return marker == 0xC2; }
};

struct JpegScan {
  struct Part {
    int component = 0;  // its place in the frame
    int dc_table = 0;
    int ac_table = 0;
  };
  std::vector<Part> parts;
  int first = 0;  // coefficient, in zigzag order
  int last = 63;  //
  int high = 0;   // successive approximation: low bits that were missing before
  int low = 0;    // and that are missing afterwards
  // MCUs, and what each is in pixels.
  std::int64_t mcus_wide = 0;
  std::int64_t mcus_high = 0;
  std::int64_t mcu_width = 0;
  std::int64_t mcu_height = 0;

  [[nodiscard]] std::int64_t mcus() const { return mcus_wide * mcus_high; }
};

// A header that is refused says why: the sentences are libjpeg's reasons, so that both refuse the
// same ones. nullptr: none.
using JpegRefusal = const char*;

// `segment`: without its marker and length. The height may be 0.
JpegRefusal ParseFrame(int marker, std::span<const std::uint8_t> segment, JpegFrame& frame);
// The frame has to have a height.
JpegRefusal ParseScan(std::span<const std::uint8_t> segment, const JpegFrame& frame,
                      JpegScan& scan);

// Of the picture's pixels, those of the MCUs from `first` to the one before `last`, in scan order.
std::int64_t PixelsOf(const JpegFrame& frame, const JpegScan& scan, std::int64_t first,
                      std::int64_t last);

}  // namespace millrace
