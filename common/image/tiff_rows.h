// The rows of a TIFF's picture, uncompressed as the file has them, else through libtiff.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "common/image/tiff_frame.h"

namespace millrace {

// Takes `width` pixels of row y, from column x on, as they are in the file: of plane `plane` where
// the frame is planar. Of frames that are `as_rgba` they are four bytes each, R, G, B, A.
using TiffRowSink =
    std::function<void(int plane, int x, int y, int width, const std::uint8_t* row)>;

// What went wrong with the rows; those that are not lost have been given to the sink.
struct TiffDamage {
  // kTruncated, kCorrupt, kTooLarge, kUnsupportedFormat; kSuspicious where no row is lost.
  ErrorCode code = ErrorCode::kCorrupt;
  std::string what;                     // of the first loss
  std::optional<std::uint64_t> offset;  // likewise, where the file tells
  double lost = 0;                      // share of the picture
  // False where it is libtiff that does not take the file, or its directory that is not understood:
  // another program may read it.
  bool proven = true;
};

struct TiffRowLimits {
  std::int64_t tile_pixels = 0;  // of a tile, or a strip that has to be decoded as one
  std::int64_t memory = 0;       // bytes that libtiff may take at once
  // What can be judged without giving rows to the sink is: deflated blocks, which are then held
  // against their checksums, too.
  bool judge_only = false;
};

// Reads all rows, passing over those that are lost. `big_endian` of the rows' samples: see
// TiffRowsBigEndian. Thread-safe: libtiff's handlers of errors are those of the one file.
std::optional<TiffDamage> ReadTiffRows(FileBytes file, const TiffDirectory& directory,
                                       const TiffFrame& frame, const TiffRowLimits& limits,
                                       const TiffRowSink& sink);

// Whether the samples of the rows that ReadTiffRows gives have their high byte first: libtiff turns
// them to the machine's order.
bool TiffRowsBigEndian(const TiffDirectory& directory, const TiffFrame& frame);

}  // namespace millrace
