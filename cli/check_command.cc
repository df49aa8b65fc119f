// millrace check INPUT...: which images are broken, and what is to be done with them.

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "cli/check/check_run.h"
#include "cli/check/check_summary.h"
#include "cli/check/remediate.h"
#include "cli/check/result_output.h"
#include "cli/check/verdict_list.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/run_input.h"

namespace millrace::cli {
namespace {

struct CheckOptions {
  std::vector<std::string> inputs;
  std::string level = "decode";
  std::string only;
  CheckRunOptions run;
  ResultOptions results;
  ActOptions act;
  std::string apply;  // a report to act on, instead of checking
  std::string undo;   // a manifest
  std::vector<std::string> also;
  std::string how;  // the first option given that says how to check, such as --level
};

// All targets, one after the other.
struct Checked {
  std::vector<CheckedInput> inputs;
  std::optional<int> unfinished;  // the exit status of a check that did not come to its end
  std::string why;                // it did not
  int told_to_stop = 0;           // a signal that came when all was done
  std::int64_t resumed = 0;
  std::int64_t skipped = 0;

  Result<void> ForEach(const VerdictHandler& take) const {
    for (const CheckedInput& one : inputs) {
      RETURN_IF_ERROR(ForEachVerdictOfRun(one.output, one.input,
                                          [&](const FileVerdict& verdict) -> Result<void> {
                                            const auto told = one.target.AsAsked(verdict);
                                            return told ? take(*told) : Result<void>();
                                          }));
    }
    return {};
  }
};

// The INPUTs as absolute paths, each once.
std::vector<std::string> Inputs(const CheckOptions& options) {
  std::vector<std::string> inputs;
  for (const std::string& written : options.inputs) {
    std::string input = AbsolutePath(written);
    if (std::find(inputs.begin(), inputs.end(), input) == inputs.end()) {
      inputs.push_back(std::move(input));
    }
  }
  return inputs;
}

constexpr const char* kGoOn = "millrace: the same command goes on where it stopped";

// What a check that did not come to its end exits with, after saying why; nothing where it did.
std::optional<int> ExitStatusOfUnfinished(const CheckedInput& checked, Terminal& terminal) {
  const SessionEnd& end = checked.end;
  const bool done = end.run && end.run->state == "done";
  if (end.signal != 0 && !(done && StopsByPlan(end.signal))) {
    if (!done) terminal.Print(kGoOn);
    return ExitStatusOfSignal(end.signal);
  }
  if (end.trouble.empty() && done) return std::nullopt;
  std::string why = end.trouble;
  if (why.empty()) why = end.run && !end.run->reason.empty() ? end.run->reason : "no end was seen";
  terminal.Print("millrace: " + checked.target.Name() + ": " + why);
  if (end.out_of_time) terminal.Print(kGoOn);
  if (!end.trouble.empty()) return end.exit_status;
  return end.out_of_time ? kExitStopped : kExitUnfinished;
}

// --fail-on and --allow-empty.
int Judge(const CheckSummary& summary, const std::vector<std::string>& inputs,
          const Verdict& verdict, Terminal& terminal) {
  wire::RunStatus all;
  all.state = "done";
  all.input = inputs.size() == 1 ? inputs.front() : "any INPUT";
  all.ok = summary.ok() + summary.noted();
  all.failed = summary.failed();
  const Judgement judgement = JudgeRun(all, verdict);
  if (judgement.exit_status == kExitUsage) terminal.Print("millrace: " + judgement.why);
  return judgement.exit_status;
}

// Of a check that did not come to its end, for its report.
std::string WhyUnfinished(const SessionEnd& end) {
  if (!end.trouble.empty()) return end.trouble;
  if (end.run && !end.run->reason.empty()) return end.run->reason;
  return end.signal != 0 ? "interrupted" : "no end was seen";
}

// Runs one target after the other, until all are done or one does not come to its end: what is
// known of that one counts too.
Result<Checked> CheckAll(SignalFd& signals, const CheckOptions& options,
                         const std::vector<CheckTarget>& targets, StreamOutput& stream,
                         Terminal& terminal) {
  Checked checked;
  for (const CheckTarget& target : targets) {
    ASSIGN_OR_RETURN(CheckedInput one, CheckInput(signals, options.run, target, stream, terminal));
    checked.unfinished = ExitStatusOfUnfinished(one, terminal);
    if (checked.unfinished) checked.why = WhyUnfinished(one.end);
    checked.told_to_stop = one.end.signal;
    if (one.end.run) {
      checked.resumed += one.end.run->resumed;
      checked.skipped += one.end.run->skipped;
      checked.inputs.push_back(std::move(one));
    }
    const bool last = &target == &targets.back();
    if (!checked.unfinished && checked.told_to_stop != 0 && !last) {
      // This one was done all the same; the others are not.
      checked.unfinished = ExitStatusOfSignal(checked.told_to_stop);
      checked.why = "interrupted";
    }
    if (checked.unfinished) break;
  }
  return checked;
}

Result<int> Check(const CheckOptions& options) {
  const SteadyClock clock;
  const Instant start = clock.Now();
  ASSIGN_OR_RETURN(SignalFd signals, SignalFd::Open());  // before any thread
  Terminal terminal(STDERR_FILENO);
  const std::vector<std::string> inputs = Inputs(options);
  const bool several = inputs.size() > 1;
  // What is wrong with FILE is said before the work, not after it.
  RETURN_IF_ERROR(ResultOutput::Open(options.results, false));
  StreamOutput stream(options.results, several, STDOUT_FILENO);
  ASSIGN_OR_RETURN(const Checked checked,
                   CheckAll(signals, options, TargetsOf(inputs), stream, terminal));
  RETURN_IF_ERROR(stream.Flush());
  ASSIGN_OR_RETURN(ResultOutput output, ResultOutput::Open(options.results, several));
  CheckSummary summary(options.level == "strict");
  std::set<std::string> folders;
  RETURN_IF_ERROR(checked.ForEach([&](const FileVerdict& verdict) {
    summary.Add(verdict);
    folders.insert(verdict.input);
    return output.Take(verdict, stream.Printed(verdict));
  }));
  for (const CheckedInput& one : checked.inputs) {
    if (one.target.files.empty()) folders.insert(one.input);
  }
  const bool unfinished = checked.unfinished.has_value();
  RETURN_IF_ERROR(output.Finish(unfinished ? std::optional(checked.why) : std::nullopt));
  for (const std::string& line :
       summary.Lines(checked.resumed, checked.skipped, clock.Now() - start)) {
    terminal.Print(line);
  }
  // Nothing is moved or deleted by half of a list.
  if (unfinished) return *checked.unfinished;
  if (options.act.Any() && checked.told_to_stop != 0) {
    return ExitStatusOfSignal(checked.told_to_stop);
  }
  if (options.act.Any()) {
    const auto verdicts = [&](const VerdictHandler& take) { return checked.ForEach(take); };
    ASSIGN_OR_RETURN(const int status,
                     ActOnBroken(signals, options.act, summary, folders, verdicts, terminal));
    if (status != kExitDone) return status;
  }
  return Judge(summary, inputs, options.run.local.verdict, terminal);
}

// Acts on a report of an earlier check.
Result<int> Apply(const CheckOptions& options) {
  ASSIGN_OR_RETURN(SignalFd signals, SignalFd::Open());
  Terminal terminal(STDERR_FILENO);
  bool complete = true;
  const auto verdicts = [&](const VerdictHandler& take) {
    return ForEachVerdictOfReport(options.apply, take, &complete);
  };
  CheckSummary summary;
  std::set<std::string> folders;
  RETURN_IF_ERROR(verdicts([&](const FileVerdict& verdict) -> Result<void> {
    summary.Add(verdict);
    folders.insert(verdict.input);
    return {};
  }));
  if (!complete) {
    terminal.Print("millrace: the check of " + options.apply +
                   " did not come to its end: it lists what was known then");
  }
  return ActOnBroken(signals, options.act, summary, folders, verdicts, terminal);
}

Result<int> Undo(const CheckOptions& options) {
  ASSIGN_OR_RETURN(SignalFd signals, SignalFd::Open());
  Terminal terminal(STDERR_FILENO);
  return UndoQuarantine(signals, options.undo, options.act, terminal);
}

// The first option given that means something to a check alone; empty without one.
std::string OptionOfChecking(const CLI::App& command) {
  for (const char* name :
       {"--level", "--report", "--only", "--json", "--stream", "--state", "--recheck",
        "--no-default-excludes", "--set", "--fail-on", "--allow-empty", "--until"}) {
    if (command.count(name) > 0) return name;
  }
  return "";
}

// What goes with what, as far as the parser cannot tell.
Result<void> CheckOptionsAgree(const CheckOptions& options) {
  const auto usage = [](const std::string& why) { return Fail(ErrorCode::kUsage, why); };
  if (!options.undo.empty()) {
    if (!options.inputs.empty() || !options.apply.empty() || options.act.Any() ||
        !options.also.empty()) {
      return usage("--undo MANIFEST stands alone: the manifest says what goes where");
    }
    if (!options.how.empty()) return usage("--undo checks nothing: leave out " + options.how);
    return {};
  }
  if (!options.apply.empty()) {
    if (!options.how.empty()) return usage("--apply checks nothing: leave out " + options.how);
    if (!options.inputs.empty()) return usage("--apply REPORT takes no INPUT: the report has them");
    if (!options.act.Any()) return usage("--apply REPORT needs --quarantine DIR or --delete");
  } else if (options.inputs.empty()) {
    return usage("give an INPUT: a folder of images, or a file (millrace check --help)");
  }
  if (!options.also.empty() && !options.act.Any()) {
    return usage("--also CODE goes with --quarantine DIR or --delete");
  }
  for (const std::string& input : options.inputs) {
    std::error_code error;
    if (!std::filesystem::exists(input, error)) {
      return Fail(ErrorCode::kNotFound, "INPUT " + input + " does not exist");
    }
    if (!options.act.quarantine.empty() &&
        std::filesystem::equivalent(input, options.act.quarantine, error)) {
      return usage("--quarantine: DIR is INPUT itself; choose another folder");
    }
  }
  return RequireTerminal(options.act);
}

Result<int> Run(CheckOptions& options) {
  if (!options.act.quarantine.empty()) {
    options.act.quarantine = AbsolutePath(options.act.quarantine);
  }
  RETURN_IF_ERROR(CheckOptionsAgree(options));
  options.results.only_bad = !options.only.empty();
  options.act.verbose = options.run.local.verbose;
  options.act.rule = ActRule({options.also.begin(), options.also.end()});
  options.run.quarantine = options.act.quarantine;
  options.run.choice.topology = "check";
  options.run.choice.parameters["level"] = options.level;
  if (!options.undo.empty()) return Undo(options);
  return options.apply.empty() ? Check(options) : Apply(options);
}

void AddActOptions(CLI::App& command, CheckOptions& options) {
  const std::string group = "What is done with files that have lost pixels, by proof";
  CLI::Option* quarantine =
      command
          .add_option("--quarantine", options.act.quarantine,
                      "Move them to DIR, under the paths that they have in INPUT; nothing is "
                      "overwritten, and --undo moves them back")
          ->type_name("DIR")
          ->group(group);
  command
      .add_flag("--delete", options.act.remove,
                "Delete them; asks first, or needs --yes where there is no terminal")
      ->excludes(quarantine)
      ->group(group);
  command
      .add_option("--also", options.also,
                  "not-an-image: move or delete also what is named like a picture and holds "
                  "something else")
      ->check(CLI::IsMember(kAlsoCodes).description(""))
      ->type_name("CODE")
      ->allow_extra_args(false)
      ->group(group);
  command.add_flag("--yes", options.act.yes, "Delete without asking")->group(group);
  command
      .add_flag("--dry-run", options.act.dry_run,
                "Say what --quarantine, --delete or --undo would do, and do none of it")
      ->group(group);
  command
      .add_option("--apply", options.apply,
                  "Check nothing: move or delete what an earlier --report lists, where it has not "
                  "changed since")
      ->type_name("REPORT")
      ->group(group);
  command.add_option("--undo", options.undo, "Move back what a quarantine's manifest.jsonl lists")
      ->type_name("MANIFEST")
      ->group(group);
}

}  // namespace

void AddCheckCommand(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* command = app.add_subcommand("check", "Say which images of a folder are broken");
  command->add_option("INPUT", options->inputs,
                      "A folder to look through, with its sub-folders, or a file; may be several");
  command
      ->add_option("--level", options->level,
                   "What is looked at: open, the header; decode, every pixel's data; strict, also "
                   "what costs no pixels (default: decode)")
      ->check(CLI::IsMember({"open", "decode", "strict"}).description(""))
      ->type_name("open|decode|strict");
  command
      ->add_option("--report", options->results.report,
                   "Write the verdicts to FILE, a JSON object a line, whole or not at all")
      ->type_name("FILE");
  command
      ->add_option("--only", options->only, "bad: leave the sound ones out of --json and --report")
      ->check(CLI::IsMember({"bad"}).description(""))
      ->type_name("bad");
  command->add_flag("--json", options->results.json,
                    "Print the verdicts to stdout, a JSON object a line, sorted by path");
  command->add_flag("--stream", options->results.stream,
                    "Print each verdict as soon as it is known, in no order");
  command
      ->add_option("--state", options->run.state,
                   "Where to remember verdicts (default: $XDG_STATE_HOME/millrace, else "
                   "~/.local/state/millrace)")
      ->type_name("DIR");
  command->add_flag("--recheck", options->run.recheck,
                    "Read every file again, not only what is new or changed");
  command->add_flag("--no-default-excludes", options->run.no_default_excludes,
                    kNoDefaultExcludesHelp);
  command
      ->add_option("--set", options->run.choice.sets,
                   "Change a value of config/check.yaml, e.g. inspect.replicas=4; may be repeated")
      ->type_name("PATH=VALUE")
      ->allow_extra_args(false);
  AddActOptions(*command, *options);
  AddFollowingOptions(*command, options->run.local);
  command->footer(
      "What is not ok goes to stdout, one file a line, the totals to stderr. INPUT is not written\n"
      "to unless --quarantine or --delete say so, and then only files whose code is truncated,\n"
      "corrupt, bad-crc or empty are touched, if they have not changed since they were judged.\n"
      "docs/check.md says what each code means and what ok can prove.\n\n"
      "The same command again reads only what is new or changed.\n\n"
      "Exit status: 0 none broken; 1 some broken, no pictures or not to be read, by --fail-on\n"
      "(suspicious, unsupported-format and preview-only count at --level strict alone); 2 wrong\n"
      "usage, no INPUT or no images; 3 could not finish; 75 stopped by plan (--until, SIGUSR1,\n"
      "SIGUSR2) with work left; 129, 130 or 143 interrupted.\n\n"
      "Examples:\n"
      "  millrace check photos\n"
      "  millrace check photos --level strict --json --only bad | jq -r .path\n"
      "  millrace check photos --quarantine broken         # and back again:\n"
      "  millrace check --undo broken/manifest.jsonl\n"
      "  millrace check photos scans --report verdicts.jsonl\n"
      "  millrace check --apply verdicts.jsonl --delete --dry-run\n"
      "  millrace run face-parsing photos out --skip-broken verdicts.jsonl");
  command->callback([options, command, &chosen] {
    options->how = OptionOfChecking(*command);
    chosen = [options] {
      const Result<int> status = Run(*options);
      return status ? *status : PrintError(status.error());
    };
  });
}

}  // namespace millrace::cli
