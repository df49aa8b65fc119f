// What is done with broken files, one after the other: asked about, shown, done and counted.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "cli/check/check_summary.h"
#include "cli/check/verdict_list.h"
#include "cli/terminal.h"
#include "common/base/result.h"
#include "common/os/signals.h"

namespace millrace::cli {

struct ActOptions {
  std::string quarantine;  // a folder, absolute; "": none
  bool remove = false;     // delete instead
  bool yes = false;        // do not ask
  bool dry_run = false;    // only say what would be done
  ActRule rule;            // which files
  bool verbose = false;    // name each file, not only those that were left alone

  [[nodiscard]] bool Any() const { return !quarantine.empty() || remove; }
};

// kUsage where a deletion is to be asked about and there is nobody to ask.
Result<void> RequireTerminal(const ActOptions& options);

// Gives the verdicts to `take`; called as often as they are needed.
using VerdictSource = std::function<Result<void>(const VerdictHandler& take)>;

// Acts on those of the verdicts that options.rule allows, and on no others. `summary` is of them,
// `inputs` theirs. Returns the exit status: kExitDone, also where files were left alone or the
// person said no; kExitUnfinished where some could not be moved or deleted; else that of the
// signal.
Result<int> ActOnBroken(SignalFd& signals, const ActOptions& options, const CheckSummary& summary,
                        const std::set<std::string>& inputs, const VerdictSource& verdicts,
                        Terminal& terminal);

// Moves back everything that a manifest names. The same exit statuses.
Result<int> UndoQuarantine(SignalFd& signals, const std::string& manifest,
                           const ActOptions& options, Terminal& terminal);

}  // namespace millrace::cli
