// The outermost boxes of a HEIF file (ISO/IEC 14496-12, 4.2), as far as they tell of missing bytes.
#pragma once

#include <cstddef>
#include <string_view>

#include "common/image/inspect/inspectors.h"

namespace millrace {

struct HeifBoxes {
  bool sequence = false;  // there is one of tracks: pictures in a sequence
  std::string_view cut;   // type of the box within which the file ends; empty: there is none
  std::size_t end = 0;    // behind the last box; what follows is none
};

HeifBoxes ReadHeifBoxes(FileBytes file);

}  // namespace millrace
