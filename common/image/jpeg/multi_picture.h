// The index of a multi-picture file (CIPA DC-007, 5.2), which its first picture has in an APP2
// segment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace millrace {

struct MultiPictureIndex {
  bool parses = false;
  // Where in the file the pictures behind the first one begin, as the index says: nobody has
  // looked.
  std::vector<std::size_t> begins;
};

// `block`: what follows "MPF\0"; `offset`: where in the file that is.
MultiPictureIndex ParseMultiPictureIndex(std::span<const std::byte> block, std::size_t offset);

}  // namespace millrace
