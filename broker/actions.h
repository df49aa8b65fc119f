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

// Send these jobs, as they stand in the queue now, in one message.
struct SendJobs {
  IncarnationId worker;
  std::vector<JobId> jobs;
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

enum class ItemOutcome : std::uint8_t { kOk, kFailed, kSkipped };

// An item has its one outcome: to be recorded before anybody hears of it.
struct ItemEnded {
  RunId run;
  std::string key;
  ItemOutcome outcome = ItemOutcome::kOk;
  StageIndex stage = 0;  // where it ended
  std::string code;      // of a failure; the reason of a skip
  std::string text;
  int attempts = 1;
  std::vector<std::string> warnings;  // codes, of all stages
  std::vector<ItemRecord> records;
  std::vector<wire::OutputFile> outputs;
};
// What an item has been through has changed; it has no outcome yet.
struct ItemMarked {
  RunId run;
  std::string key;
  ItemMarks marks;
};
// A chunk of the run's scan, to be recorded in one step with where the scan goes on. ScanRecorded
// is to be called with what came of it; until then the scan waits.
struct RecordScan {
  RunId run;
  std::vector<wire::FoundItem> found;
  std::optional<std::string> next_cursor;
  bool exhaustive = false;
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
                            ItemMarked, RecordScan, RunEnded, Notice>;

}  // namespace millrace
