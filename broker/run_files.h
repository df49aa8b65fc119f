// What a run leaves in OUTPUT/.millrace (docs/report.md), and who may write there.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "broker/report.h"
#include "broker/state/requests.h"
#include "broker/state/state.h"
#include "common/base/result.h"

namespace millrace {

// Writes failed.jsonl, deleted.jsonl, the records, and last report.json, each whole or not at all,
// out of what is recorded; fills the report's counts from there first.
// `stages`: their names. Where the run prunes, outputs of inputs that are gone are removed, where
// they are still what was written; items of which nothing is left go into `close.forget`.
Result<void> WriteRunFiles(State& state, const std::vector<std::string>& stages, CloseRun& close);

// Puts what is recorded into the report. A run whose outcomes do not add up to what the queue
// counted becomes a failed one: that would be a fault of ours.
void TakeSummary(const RunSummary& summary, const std::vector<std::string>& stages,
                 RunReport& report);

// Carries out a CloseRun: writes the files, then records the run's end, in a transaction of its
// own. Where the files cannot be written, that is the run's end; an error is the state's.
Result<StateAnswer> CloseInState(State& state, const std::vector<std::string>& stages,
                                 CloseRun& close);

// The second half of it: records the end that the report tells.
Result<StateAnswer> RecordRunEnd(State& state, const CloseRun& close);

// Lines of an ended run's OUTPUT/.millrace/failed.jsonl from its `offset`-th byte on: whole lines,
// about 256 KiB of them.
struct FailurePage {
  std::vector<std::string> lines;
  bool more = false;
};
Result<FailurePage> ReadFailures(const std::string& output, std::int64_t offset);

}  // namespace millrace
