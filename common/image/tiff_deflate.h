// Whether a deflated block of a TIFF is whole, without keeping what it inflates to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/image/decoders.h"

namespace millrace {

struct DeflateDamage {
  bool ended = false;      // the block ends, rather than being bad
  std::string what;        // in zlib's words
  std::size_t offset = 0;  // into the block
};

// Nothing where `block` inflates to `bytes` bytes and, if it ends there, its checksum is theirs:
// what zlib says to Pillow's libtiff of a whole block.
std::optional<DeflateDamage> CheckDeflated(FileBytes block, std::size_t bytes);

}  // namespace millrace
