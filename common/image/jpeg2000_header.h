// What the header of a JPEG 2000 file claims, known before a library takes memory for it.
#pragma once

#include <cstdint>
#include <optional>

#include "common/image/decoders.h"

namespace millrace {

struct Jpeg2000Header {
  std::size_t stream = 0;      // where the code stream is in the file
  std::size_t stream_end = 0;  // of the box that holds it, else of the file
  bool boxed = false;          // a JP2 file; else a bare code stream
  std::int64_t width = 0;      // of the grid less its offset: pixels
  std::int64_t height = 0;
  // 0 where the file ends before them, or they have no size.
  std::int64_t tiles = 0;
  int components = 0;
  int bits = 0;  // of the first component's samples
};

// The first box of type "jp2c", or the file itself, and the SIZ segment at its beginning; nothing
// where the latter does not give a size.
std::optional<Jpeg2000Header> ReadJpeg2000Header(FileBytes file);

}  // namespace millrace
