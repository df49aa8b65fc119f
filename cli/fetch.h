// Fetches one file of known content: from a URL, going on where an earlier attempt stopped, or from
// a file. The destination appears under its name only once its hash is right.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace millrace::cli {

struct FetchRequest {
  // Tried in order. "https://…" and "http://…" are fetched; "file:///…" and anything else is a
  // local file.
  std::vector<std::string> sources;
  std::string destination;  // folders above it are made
  std::string sha256;       // lower-case hexadecimal
  // Called now and then: bytes had, and of how many (0: unknown). False stops the fetch.
  std::function<bool(std::int64_t, std::int64_t)> progress;
};

// What is fetched so far lies in DESTINATION.part, and stays there when a fetch is cut short: the
// next one asks for the rest (HTTP Range) and starts over where the server cannot do that. Two
// fetches of one destination at once: the second is refused (kUnavailable).
//
// kUnavailable: no source answered (within 5 s to connect; a transfer may take any time, but not
// stand still for 30 s). kCorrupt: everything that came has another hash; the part file is removed.
Result<void> Fetch(const FetchRequest& request);

}  // namespace millrace::cli
