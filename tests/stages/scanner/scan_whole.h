// Runs a scanner stage over a folder as the broker would: chunk after chunk.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "stages/scanner/options.h"
#include "stages/scanner/run_options.h"
#include "stages/scanner/scanner_stage.h"
#include "tests/stages/fake_job_context.h"

namespace millrace {

inline std::unique_ptr<Stage> StartScanner(std::int64_t chunk) {
  StageContext context;
  context.options = Options::Defaults(ScannerOptions());
  context.options.Set("chunk", chunk);
  auto stage = MakeScannerStage();
  REQUIRE(stage->Start(context));
  return stage;
}

inline Job ScanJob(std::shared_ptr<const RunInfo> run, std::string cursor) {
  Job job;
  job.run = std::move(run);
  job.cursor = std::move(cursor);
  return job;
}

inline std::shared_ptr<RunInfo> ScanRun(std::string input, const ScanRunOptions& options = {},
                                        std::string output = "") {
  auto run = std::make_shared<RunInfo>();
  run->id = RunId(1);
  run->input = std::move(input);
  run->output = std::move(output);
  options.WriteTo(run->options);
  return run;
}

// "ok a.jpg", "empty b.jpg", "skipped:not-an-image c.txt".
inline std::string Line(const Found& found) {
  if (const auto* failed = std::get_if<Failed>(&found.what)) {
    return std::string(ErrorCodeName(failed->code)) + " " + found.key;
  }
  if (const auto* skipped = std::get_if<Skipped>(&found.what)) {
    return "skipped:" + skipped->reason + " " + found.key;
  }
  return "ok " + found.key;
}

using Lines = std::vector<std::string>;

struct WholeScan {
  std::vector<Found> found;
  Lines lines;
  std::string error;  // where the scan job failed
  int chunks = 0;
  bool exhaustive = false;  // said with the last chunk
};

// `fresh` gives each chunk to a new stage, which knows nothing but the cursor.
inline WholeScan ScanWhole(const std::shared_ptr<const RunInfo>& run, std::int64_t chunk = 1000,
                           bool fresh = false) {
  WholeScan whole;
  FakeJobContext context;
  auto stage = StartScanner(chunk);
  std::string cursor;
  for (;;) {
    REQUIRE_MESSAGE(whole.chunks < 10'000, "the scan does not end");
    const std::vector<Job> jobs = {ScanJob(run, cursor)};
    auto outcomes = stage->Process(jobs, context);
    REQUIRE(outcomes.size() == 1);
    ++whole.chunks;
    if (const auto* failed = std::get_if<Failed>(&outcomes[0])) {
      whole.error = failed->text;
      return whole;
    }
    auto& scanned = std::get<Scanned>(outcomes[0]);
    REQUIRE(scanned.found.size() <= static_cast<std::size_t>(chunk));
    for (Found& found : scanned.found) {
      whole.lines.push_back(Line(found));
      whole.found.push_back(std::move(found));
    }
    whole.exhaustive = scanned.exhaustive;
    if (!scanned.next_cursor) return whole;
    CHECK(!scanned.exhaustive);
    cursor = *scanned.next_cursor;
    if (fresh) stage = StartScanner(chunk);
  }
}

}  // namespace millrace
