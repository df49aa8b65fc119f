// report.json: what a run came to, for people and programs (docs/report.md describes every field).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "broker/records.h"
#include "common/wire/messages.h"

namespace millrace {

struct StageReport {
  std::string name;
  std::int64_t workers = 0;  // joined when the run ended
  double busy = 0;           // share of the workers' time spent inside Process, 0..1
};

struct RunReport {
  std::string topology;
  std::string input;
  std::string output;
  RunId run;
  RunResult result = RunResult::kDone;
  std::string reason;
  RunCounts counts;
  std::int64_t done_at_start = 0;  // of ok and failed: before the time that elapsed_s tells
  bool scan_complete = false;
  std::map<std::string, std::int64_t> failed_by;   // code → items
  std::map<std::string, std::int64_t> skipped_by;  // reason → items
  std::map<std::string, std::int64_t> warnings;    // code → items
  std::int64_t deleted = 0;                        // items of earlier runs whose inputs are gone
  std::int64_t pruned = 0;                         // of their outputs, removed
  double startup_s = 0;                            // submitted to first item found
  double elapsed_s = 0;                            // first item found to last ended
  std::vector<StageReport> stages;
  std::string nothing_resumed;  // why no earlier result counts, where there are such

  [[nodiscard]] double ImagesPerSecond() const;
  // The stage whose workers were busiest; "" before anything was done.
  [[nodiscard]] std::string LimitingStage() const;
};

// Two-space indented JSON with a final newline. Paths are bytes: see common/base/json_text.h.
std::string ReportJson(const RunReport& report);

// The run's last status: what the report says, and the report itself.
wire::RunStatus FinalStatus(const RunReport& report);

// "done", "stopped" or "failed".
std::string ResultName(RunResult result);

// Why no earlier result counts, in a sentence: of a run from `input` over these stages.
std::string NothingResumedText(const NothingCounts& nothing,
                               const std::vector<std::string>& stage_names, std::string_view input);

// A line of failed.jsonl, without its newline. `stages`: their names.
std::string FailureJson(const ListedItem& item, const std::vector<std::string>& stages);

// Puts what is recorded into the report. A run whose outcomes do not add up to what the queue
// counted becomes a failed one: that would be a fault of ours.
void TakeSummary(const RunSummary& summary, const std::vector<std::string>& stages,
                 RunReport& report);

}  // namespace millrace
