// What the job queue wants done. The broker carries actions out in order; the queue itself touches
// no socket, clock or file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "broker/job.h"
#include "broker/records.h"
#include "common/base/ids.h"
#include "common/wire/messages.h"

namespace millrace {

// Send these jobs in one message.
struct SendJobs {
  IncarnationId worker;
  std::vector<wire::JobSpec> jobs;
};
struct SendRevoke {
  IncarnationId worker;
  std::vector<wire::Lease> leases;
};
struct SendConfirm {
  IncarnationId worker;
  std::vector<wire::Lease> accepted;
  std::vector<wire::Lease> stale;
};
// Close the worker's feed; the queue has already forgotten it.
struct EndIncarnation {
  IncarnationId worker;
  std::string reason;
};

// A chunk of a run's scan. ScanRecorded is to be called with what came of it; until then the scan
// waits. The worker's report is confirmed once it is recorded.
struct ScanFound {
  RecordScan scan;
  IncarnationId worker;
  wire::Lease lease;
};
// The run stops by itself: its failures are enough, or a stage's workers cannot live. RunEnded
// follows.
struct RunStops {
  RunId run;
};
// A stage's workers cannot live: runs that are not in the queue yet are to end, too.
struct StageFailed {
  std::string reason;
};
// Nothing of this run is in flight any more, and nothing will be.
struct RunEnded {
  RunId run;
};
// Something a person should read.
struct Notice {
  std::string text;
};

using Action = std::variant<SendJobs, SendRevoke, SendConfirm, EndIncarnation, ItemEnded,
                            ItemMarked, ScanFound, RunStops, StageFailed, RunEnded, Notice>;

}  // namespace millrace
