// A scan's entropy-coded data, restart interval by restart interval (ITU-T T.81, E.2.4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "common/image/jpeg/entropy.h"
#include "common/image/jpeg/frame.h"
#include "common/image/jpeg/reading.h"

namespace millrace {

struct ScanReading {
  // The first damage: MCUs are missing or cannot be known.
  std::optional<JpegTrouble> damage;
  bool file_ended = false;  // that was it
  std::int64_t pixels_lost = 0;
  std::optional<JpegTrouble> suspicious;
  std::optional<JpegTrouble> odd;
  // Of the marker behind the data.
  std::size_t end = 0;
};

// Reads the data from `begin` on. `interval`: in MCUs, or 0. `number`: the scan's, for the
// troubles. After damage it goes on with the next interval whose marker is found.
ScanReading ReadScanData(std::span<const std::uint8_t> file, std::size_t begin,
                         const JpegFrame& frame, const JpegScan& scan, std::int64_t interval,
                         int number, EntropyScan& blocks);

// The place of the next FF that some byte but 00 and FF follows, or the file's end. Fillers
// (further FFs before it) belong to the marker.
std::size_t FindMarker(std::span<const std::uint8_t> file, std::size_t at);

}  // namespace millrace
