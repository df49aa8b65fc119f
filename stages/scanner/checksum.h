// What a file holds, as a fingerprint.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/base/result.h"

namespace millrace {

struct Checksum {
  std::string digest;      // XXH3-128 in its canonical form (most significant byte first), 16 bytes
  std::int64_t bytes = 0;  // that went into it
};

// Reads all of the file and asks `go_on` now and then. Never waits on what is no regular file any
// more. An errno where it cannot be read; ECANCELED once `go_on` has said no.
tl::expected<Checksum, int> ChecksumOfFile(const std::string& path,
                                           const std::function<bool()>& go_on);

}  // namespace millrace
