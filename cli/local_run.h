// What `millrace run` and `millrace retry` share: a pipeline of their own on this machine, started
// for one run, which is shown, reported and judged.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>

#include "cli/report.h"
#include "cli/run_follower.h"
#include "cli/time_of_day.h"
#include "common/base/result.h"
#include "common/config/topology.h"
#include "common/os/signals.h"
#include "common/os/temp_dir.h"
#include "common/wire/messages.h"

namespace millrace::cli {

struct LocalRunOptions {
  Verdict verdict;
  ProgressStyle progress = ProgressStyle::kAuto;
  std::optional<StopTime> until;
  bool json = false;
  bool verbose = false;
};

// --fail-on, --allow-empty, --until, --progress, --json and --verbose.
void AddLocalRunOptions(CLI::App& command, LocalRunOptions& options);

struct LocalRun {
  Topology topology;             // with every value in its place
  wire::ControlRequest request;  // what starts the run: Submit or RetryRequest
  // Called once the broker has taken the run; an error is shown, and no more than that.
  std::function<Result<void>()> on_accepted;
  std::string how_to_go_on;  // a sentence, for a run that was stopped before its end
};

// Returns the exit status. The signals were opened before any thread was there; `dir` is for what
// the processes share while they run.
Result<int> RunHere(SignalFd& signals, const TempDir& dir, LocalRun run,
                    const LocalRunOptions& options);

}  // namespace millrace::cli
