// The subcommands of `millrace`, one file each. An Add function declares a subcommand's options on
// the command line's parser; when the person chooses it, `chosen` becomes what to run.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace millrace::cli {

// Does the work of a subcommand and returns the exit status (exit_status.h).
using Action = std::function<int()>;

// `arguments` is the command line after "millrace": a topology's parameters become options of `run`
// and `up`, so they look into the topology before the line is parsed.
void AddRunCommand(CLI::App& app, Action& chosen, const std::vector<std::string>& arguments);
void AddCheckCommand(CLI::App& app, Action& chosen);
void AddUpCommand(CLI::App& app, Action& chosen, const std::vector<std::string>& arguments);
void AddDownCommand(CLI::App& app, Action& chosen);
void AddSubmitCommand(CLI::App& app, Action& chosen);
void AddStatusCommand(CLI::App& app, Action& chosen);
void AddWaitCommand(CLI::App& app, Action& chosen);
void AddCancelCommand(CLI::App& app, Action& chosen);
void AddPauseCommand(CLI::App& app, Action& chosen);
void AddResumeCommand(CLI::App& app, Action& chosen);
void AddRetryCommand(CLI::App& app, Action& chosen);
void AddFailuresCommand(CLI::App& app, Action& chosen);
void AddStateCommand(CLI::App& app, Action& chosen);
void AddValidateCommand(CLI::App& app, Action& chosen);
void AddModelCommand(CLI::App& app, Action& chosen);
void AddCompletionCommand(CLI::App& app, Action& chosen);

// Says "millrace: ..." on stderr and returns the exit status that goes with the error.
int PrintError(const Error& error);

}  // namespace millrace::cli
