// What `millrace run`, `retry` and `check` share: a pipeline of their own on this machine, started
// for one run, which is shown, reported and judged.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>

#include "cli/report.h"
#include "cli/run_follower.h"
#include "cli/run_session.h"
#include "cli/terminal.h"
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
// The same without --json: for a command whose results are no report of a run.
void AddFollowingOptions(CLI::App& command, LocalRunOptions& options);

struct LocalRun {
  Topology topology;             // with every value in its place
  wire::ControlRequest request;  // what starts the run: Submit or RetryRequest
  // Called once the broker has taken the run; an error is shown, and no more than that.
  std::function<Result<void>()> on_accepted;
  std::string remark_details;  // as StatusFollower's
  std::string how_to_go_on;    // a sentence, for a run that was stopped before its end
  EndedSink* ended = nullptr;  // as in SessionOptions
};

// Runs it to its end and leaves the telling to the caller: on the terminal stands only how it goes
// and what the processes complain of. The signals were opened before any thread was there; `dir` is
// for what the processes share while they run.
Result<SessionEnd> RunToEnd(SignalFd& signals, const TempDir& dir, LocalRun run,
                            const LocalRunOptions& options, Terminal& terminal);

// The same, with the report on the terminal. Returns the exit status.
Result<int> RunLocally(SignalFd& signals, const TempDir& dir, LocalRun run,
                       const LocalRunOptions& options);

}  // namespace millrace::cli
