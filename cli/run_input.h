// INPUT, OUTPUT and what is taken from INPUT: the part of the command line that `run` and `submit`
// share.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/failure_limit.h"
#include "cli/report.h"
#include "cli/spooled_list.h"
#include "common/base/result.h"
#include "common/wire/messages.h"
#include "stages/scanner/run_options.h"

namespace millrace::cli {

struct InputSelection {
  std::string input;
  std::string output;
  ScanRunOptions scan;
  FailureLimit stop_at;
  bool fresh = false;
  bool verify_outputs = false;
  bool prune = false;
};

inline constexpr const char* kNoDefaultExcludesHelp =
    "Also what is no picture of yours: AppleDouble files (._NAME), the folders __MACOSX, @eaDir, "
    ".thumbnails, .git and the like, and OUTPUTs of runs";

// INPUT, OUTPUT, the filters, --stop-at, and what of an earlier run counts.
void AddInputOptions(CLI::App& command, InputSelection& input);

// --fail-on and --allow-empty.
void AddVerdictOptions(CLI::App& command, Verdict& verdict);

// A path of the command line from the root on, without "." and ".." and without a slash at its end.
// Symbolic links stay, since their names are the person's.
std::string AbsolutePath(const std::string& written);

// Whether INPUT is looked at on this machine, or left to the machines that read it.
enum class InputIs { kHere, kElsewhere };

// The request that starts the run: absolute paths, one file as its folder and `only`, the list of
// --files-from as an absolute path. kUsage or kNotFound where INPUT is missing, where OUTPUT is
// INPUT or a folder above it, or for filters that are malformed or too many.
//
// A list that can be read only once, on stdin ("-") or in a pipe, is copied to `list_file`, which
// must last as long as the run; kUsage where that is "". A signal ends the copying, as SpoolList
// says.
Result<wire::Submit> MakeSubmit(const InputSelection& input, InputIs where,
                                const std::string& list_file, SpoolInterrupt* interrupt = nullptr);

}  // namespace millrace::cli
