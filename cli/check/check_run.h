// One target of `millrace check`: a run of config/check.yaml of its own, whose OUTPUT is a folder
// of the check's state, so that the next check of the same INPUT knows what has not changed.
#pragma once

#include <string>

#include "cli/check/check_target.h"
#include "cli/check/stream_output.h"
#include "cli/local_run.h"
#include "cli/run_session.h"
#include "cli/terminal.h"
#include "cli/topology_choice.h"
#include "common/base/result.h"
#include "common/os/file_lock.h"
#include "common/os/signals.h"

namespace millrace::cli {

struct CheckRunOptions {
  TopologyChoice choice;             // check, with its level
  std::string state;                 // a folder; "": DefaultStateFolder
  std::string quarantine;            // absolute: what lies in there is not looked at; "": none
  bool recheck = false;              // nothing that was found out before counts
  bool no_default_excludes = false;  // as ScanRunOptions
  LocalRunOptions local;
};

// What a check of one target left behind.
struct CheckedInput {
  CheckTarget target;
  std::string input;   // the folder that its paths are relative to, absolute
  std::string output;  // for ForEachVerdictOfRun, as long as `lock` is held
  FileLock lock;
  SessionEnd end;
};

// INPUT is a folder or a file. kNotFound where there is none, kUnavailable where another check of
// it is going on.
// What ends is told to `stream` as it ends.
Result<CheckedInput> CheckInput(SignalFd& signals, const CheckRunOptions& options,
                                const CheckTarget& target, StreamOutput& stream,
                                Terminal& terminal);

// $XDG_STATE_HOME/millrace, else ~/.local/state/millrace; kUsage where neither is known.
Result<std::string> DefaultStateFolder();

// STATE/check/NAME-HASH/LEVEL: the folder for the checks of an INPUT, an absolute path.
// `kind` tells apart what is done with one INPUT in several ways.
Result<std::string> CheckFolder(const std::string& state, const std::string& input,
                                const std::string& level, const std::string& kind = "");

// The pattern of --exclude for one folder of INPUT and all that is in it; "" where `folder` does
// not lie in INPUT. Both exist.
std::string PatternFor(const std::string& folder, const std::string& input);

}  // namespace millrace::cli
