#include "common/image/jpeg/frame.h"

#include <algorithm>

namespace millrace {
namespace {

constexpr int kMaxBlocksInMcu = 10;

std::int64_t Quotient(std::int64_t number, std::int64_t by) { return (number + by - 1) / by; }

}  // namespace

JpegRefusal ParseFrame(int marker, std::span<const std::uint8_t> segment, JpegFrame& frame) {
  if (segment.size() < 6) return "its frame header is too short";
  frame.marker = marker;
  frame.bits = segment[0];
  frame.height = segment[1] << 8 | segment[2];
  frame.width = segment[3] << 8 | segment[4];
  const std::size_t count = segment[5];
  if (segment.size() != 6 + 3 * count) return "its frame header has a wrong length";
  if (frame.width == 0 || count == 0) return "its frame is empty";
  if (frame.bits != 8 && frame.bits != 12) return "its samples have neither 8 nor 12 bits";
  if (marker == 0xC0 && frame.bits != 8) return "its samples have 12 bits in a baseline frame";
  frame.components.assign(count, JpegComponent());
  for (std::size_t i = 0; i < count; ++i) {
    JpegComponent& component = frame.components[i];
    component.id = segment[6 + 3 * i];
    component.h = segment[7 + 3 * i] >> 4;
    component.v = segment[7 + 3 * i] & 15;
    component.quantization = segment[8 + 3 * i];
    if (component.h < 1 || component.h > 4 || component.v < 1 || component.v > 4) {
      return "its sampling factors are none";
    }
    frame.h_max = std::max(frame.h_max, component.h);
    frame.v_max = std::max(frame.v_max, component.v);
  }
  return nullptr;
}

namespace {

JpegRefusal FindComponents(std::span<const std::uint8_t> segment, const JpegFrame& frame,
                           JpegScan& scan) {
  // Two components may have the same id: the first that is not taken is meant. libjpeg-turbo holds
  // the place in the scan against the place in the frame for that, so that components out of order
  // are refused.
  std::array<bool, 4> taken = {};
  for (std::size_t i = 0; i < segment[0]; ++i) {
    const int id = segment[1 + 2 * i];
    std::size_t found = 0;
    const std::size_t end = std::min<std::size_t>(frame.components.size(), taken.size());
    while (found < end && (frame.components[found].id != id || taken[found])) ++found;
    if (found == end) return "its scan is of a component that its frame does not have";
    const auto place = static_cast<int>(found);
    for (const JpegScan::Part& part : scan.parts) {
      if (part.component == place) return "its scan has a component twice";
    }
    taken[i] = true;
    const int tables = segment[2 + 2 * i];
    scan.parts.push_back({place, tables >> 4, tables & 15});
  }
  return nullptr;
}

JpegRefusal CheckProgression(const JpegScan& scan) {
  const bool dc = scan.first == 0;
  if (dc && scan.last != 0) return "a progressive scan has DC and AC coefficients";
  if (!dc && (scan.first > scan.last || scan.last > 63)) return "a scan's coefficients are none";
  if (!dc && scan.parts.size() != 1) return "a scan has AC coefficients of several components";
  if (scan.high != 0 && scan.low != scan.high - 1) return "a scan refines more than one bit";
  if (scan.low > 13) return "a scan leaves out more bits than there are";
  return nullptr;
}

}  // namespace

JpegRefusal ParseScan(std::span<const std::uint8_t> segment, const JpegFrame& frame,
                      JpegScan& scan) {
  if (segment.empty()) return "its scan header is too short";
  const std::size_t count = segment[0];
  if (count < 1 || count > 4 || segment.size() != 2 * count + 4) {
    return "its scan header has a wrong length";
  }
  if (const JpegRefusal wrong = FindComponents(segment, frame, scan)) return wrong;
  scan.first = segment[1 + 2 * count];
  scan.last = segment[2 + 2 * count];
  scan.high = segment[3 + 2 * count] >> 4;
  scan.low = segment[3 + 2 * count] & 15;
  if (frame.progressive()) {
    if (const JpegRefusal wrong = CheckProgression(scan)) return wrong;
  }
  if (count == 1) {
    const JpegComponent& only =
        frame.components[static_cast<std::size_t>(scan.parts.front().component)];
    scan.mcus_wide = Quotient(frame.width * only.h, std::int64_t{8} * frame.h_max);
    scan.mcus_high = Quotient(frame.height * only.v, std::int64_t{8} * frame.v_max);
    // Rounded up where the factors do not divide; such files are not decoded here.
    scan.mcu_width = Quotient(std::int64_t{8} * frame.h_max, only.h);
    scan.mcu_height = Quotient(std::int64_t{8} * frame.v_max, only.v);
    return nullptr;
  }
  int blocks = 0;
  for (const JpegScan::Part& part : scan.parts) {
    const JpegComponent& component = frame.components[static_cast<std::size_t>(part.component)];
    blocks += component.h * component.v;
  }
  if (blocks > kMaxBlocksInMcu) return "its MCUs have more than 10 blocks";
  scan.mcu_width = std::int64_t{8} * frame.h_max;
  scan.mcu_height = std::int64_t{8} * frame.v_max;
  scan.mcus_wide = Quotient(frame.width, scan.mcu_width);
  scan.mcus_high = Quotient(frame.height, scan.mcu_height);
  return nullptr;
}

std::int64_t PixelsOf(const JpegFrame& frame, const JpegScan& scan, std::int64_t first,
                      std::int64_t last) {
  // From the beginning to an MCU: whole rows of MCUs, and a part of one.
  const auto before = [&](std::int64_t mcu) {
    const std::int64_t row = mcu / scan.mcus_wide;
    const std::int64_t top = std::min(row * scan.mcu_height, frame.height);
    const std::int64_t bottom = std::min((row + 1) * scan.mcu_height, frame.height);
    const std::int64_t across = std::min(mcu % scan.mcus_wide * scan.mcu_width, frame.width);
    return top * frame.width + (bottom - top) * across;
  };
  return first < last ? before(last) - before(first) : 0;
}

}  // namespace millrace
