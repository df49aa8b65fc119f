// What a HEIF file's boxes say of its primary picture beside its code: how to turn it, and its size
// (ISO/IEC 14496-12, 8.11; ISO/IEC 23008-12, 6.5). Total.
#pragma once

#include <cstdint>

#include "common/image/decoders.h"

namespace millrace {

struct HeifPrimary {
  // How to turn the stored picture to see it upright, 1..8 as EXIF has it: irot and imir, in the
  // order of the file.
  int orientation = 1;
  // The picture is a part of what is stored (clap).
  bool cropped = false;
  // Pixels as stored; 0 where the file does not say.
  std::int64_t width = 0;
  std::int64_t height = 0;
};

// The orientations that do what irot says (quarters against the clock) and imir (0: top and bottom
// change places, 1: left and right).
int HeifTurn(int quarters);
int HeifMirror(int axis);

// Of a file without a sound list of properties: as if it had none.
HeifPrimary ReadHeifPrimary(FileBytes file);

}  // namespace millrace
