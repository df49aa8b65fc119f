// A scan chunk's cursor: where the next chunk goes on. Opaque to the broker, which keeps it with
// the run; written and read here alone.
//
//   2 IMAGES THRESHOLD UNREAD POSITION
//
// IMAGES      images found so far, decimal: what `limit` counts
// THRESHOLD   of a sample, 16 hex digits: draws with a hash up to it; "-" where all are taken
// UNREAD      folders so far that could not be read, or not to their end, decimal
// POSITION    the rest, bytes: what the source (walk.h, path_list.h) gave as its position
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace millrace {

struct ScanCursor {
  std::uint64_t images = 0;
  std::optional<std::uint64_t> threshold;
  std::uint64_t unread = 0;
  std::string position;

  [[nodiscard]] std::string Encode() const;
  // Total; "" is the start. kProtocol for anything that Encode does not write.
  static Result<ScanCursor> Decode(std::string_view text);

  friend bool operator==(const ScanCursor&, const ScanCursor&) = default;
};

}  // namespace millrace
