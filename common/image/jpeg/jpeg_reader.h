// Reads a JPEG to the end without making a picture of it: whether each MCU of each scan is there
// and is valid code (ITU-T T.81: baseline, extended and progressive Huffman, of 8 and 12 bits).
//
// Pure: bytes in, what was found out. It is as strict as the standard lets it be, and tells what
// costs pixels from what only looks odd. Where all of it is valid code it looks for the seam that a
// flipped bit leaves (dc_seam.h). Beside the file it takes 6 bytes a block, for its DC coefficient,
// and 8 bytes a block of a progressive one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/image/jpeg/reading.h"

namespace millrace {

struct JpegReadOptions {
  // Each scan of a progressive file may cost a pass over all blocks for a few bytes.
  int max_scans = 500;
  // Of a frame. Blocks that are remembered take memory by the header's word alone.
  std::int64_t max_pixels = 256'000'000;
};

// `begin`: where the picture's start-of-image marker is. Throws std::bad_alloc.
JpegReading ReadJpeg(std::span<const std::byte> file, std::size_t begin,
                     const JpegReadOptions& options);

}  // namespace millrace
