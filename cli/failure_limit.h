// How many failures are too many, as people write it: --fail-on any|N|P%|never, --stop-at N|P%.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/base/result.h"

namespace millrace::cli {

// At most one of the two bounds is set; neither means "never".
struct FailureLimit {
  std::int64_t count = 0;  // so many failed items or more; 0: no such bound
  double share = 0;        // so large a part (0..1] of the processed items; 0: no such bound

  // `processed` is ok + failed: skipped items were never ours.
  [[nodiscard]] bool ReachedBy(std::int64_t failed, std::int64_t processed) const;

  friend bool operator==(const FailureLimit&, const FailureLimit&) = default;
};

// "any" is one failure; "20" a count from 1 on; "2.5%" above 0 and up to 100; "never" no limit.
// kUsage for anything else.
Result<FailureLimit> ParseFailureLimit(std::string_view text);

// For when to stop: a count or a share alone. kUsage for anything else, "any" and "never" too.
Result<FailureLimit> ParseStopLimit(std::string_view text);

}  // namespace millrace::cli
