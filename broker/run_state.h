// One run, as the queue sees it: how far it is, and what it holds in each stage.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "broker/job.h"
#include "broker/records.h"

namespace millrace {

enum class RunPhase : std::uint8_t {
  kActive,    // scanning or processing
  kStopping,  // nothing new is sent; what is in flight finishes or comes back
  kEnded,
};

// When a run gives up by itself. Processed are the items that it did or failed at itself: neither
// what it took over nor what it skipped.
struct StopRule {
  std::int64_t failures = 0;  // this many failed items; 0: never
  double share = 0;           // this share of those processed, from kStopShareAfter on; 0: never
};
inline constexpr std::int64_t kStopShareAfter = 100;

// What a run holds of one stage.
struct RunInStage {
  std::size_t bytes = 0;
  std::size_t jobs = 0;
  std::size_t in_flight = 0;
};

struct Run {
  RunId id;
  RunPhase phase = RunPhase::kActive;
  RunResult result = RunResult::kDone;
  std::string reason;  // why it stopped or failed; "" for kDone
  RunCounts counts;
  StopRule stop_rule;
  bool scan_ended = false;     // nothing more will be found
  bool scan_complete = false;  // ... and everything was
  JobId scan_job;              // the live chunk; invalid while none is, and once the scan has ended
  bool pausing = false;        // stopping, or ended, to be continued later
  std::int64_t done_at_start = 0;  // ok and failed by then
  bool recording = false;          // a chunk is on its way to disk
  std::vector<RunInStage> stages;
  std::optional<Instant> first_found;
  Instant last_ended;
};

}  // namespace millrace
