// Whether a deflated block of a TIFF is whole, without keeping what it inflates to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/image/decoders.h"

namespace millrace {

struct DeflateDamage {
  bool ended = false;      // the block ends, rather than being bad
  bool proven = true;      // false: all rows are there, and what follows them is odd
  std::string what;        // in zlib's words
  std::size_t offset = 0;  // into the block
};

// Nothing where `block` inflates to `bytes` bytes, or more, and its checksum is theirs. libtiff,
// and Pillow with it, does not look at what follows the bytes that it wants; data that goes on
// there and then is no code, or has another checksum, is damaged somewhere. Of a block that ends
// before its checksum, and gives no more bytes than these, nothing is said: some programs count it
// so.
std::optional<DeflateDamage> CheckDeflated(FileBytes block, std::size_t bytes, std::size_t most);

}  // namespace millrace
