#include "cli/local_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <memory>

#include "cli/exit_status.h"
#include "cli/run_input.h"

namespace millrace::cli {
namespace {

std::string CheckTime(const std::string& text) {
  const auto time = ParseTimeOfDay(text);
  return time ? "" : time.error().message;
}

int Conclude(const LocalRunOptions& options, const SessionEnd& end, const std::string& how_to_go_on,
             Terminal& terminal) {
  if (end.run) {
    for (const std::string& line : DescribeRun(*end.run)) terminal.Print(line);
    if (options.json) fmt::print("{}", end.run->report);
  }
  const bool done = end.run && end.run->state == "done";
  if (end.signal != 0 && !(done && StopsByPlan(end.signal))) {
    if (!end.trouble.empty()) terminal.Print("millrace: " + end.trouble);
    if (!done) terminal.Print("millrace: " + how_to_go_on);
    return ExitStatusOfSignal(end.signal);
  }
  if (!end.trouble.empty()) {
    terminal.Print("millrace: " + end.trouble);
    return end.exit_status;
  }
  const Judgement judgement = JudgeRun(*end.run, options.verdict);
  if (!judgement.why.empty()) terminal.Print("millrace: " + judgement.why);
  if (end.out_of_time && !done) {
    terminal.Print("millrace: " + how_to_go_on);
    return kExitStopped;
  }
  return judgement.exit_status;
}

}  // namespace

void AddFollowingOptions(CLI::App& command, LocalRunOptions& options) {
  AddVerdictOptions(command, options.verdict);
  command
      .add_option_function<std::string>(
          "--until",
          [&options](const std::string& text) {
            options.until = NextStop(*ParseTimeOfDay(text), std::time(nullptr));
          },
          "Stop as by Ctrl-C, with exit status 75, when the clock shows this time next")
      ->check(CLI::Validator(CheckTime, ""))
      ->type_name("HH:MM");
  command
      .add_option("--progress", options.progress,
                  "A bar on a terminal, a plain line every few seconds, or none")
      ->transform(CLI::CheckedTransformer(ProgressStyles()).description(""))
      ->type_name("auto|bar|plain|none");
  command.add_flag("-v,--verbose", options.verbose,
                   "Let the broker and the stages say what they do (MILLRACE_LOG=debug: more)");
}

void AddLocalRunOptions(CLI::App& command, LocalRunOptions& options) {
  AddFollowingOptions(command, options);
  command.add_flag("--json", options.json, "Print the report, as JSON and alone, to stdout");
}

Result<SessionEnd> RunToEnd(SignalFd& signals, const TempDir& dir, LocalRun run,
                            const LocalRunOptions& options, Terminal& terminal) {
  const SteadyClock clock;
  // What a run has to say is in its report: the processes speak up where something is wrong.
  const bool quiet = !options.verbose && std::getenv("MILLRACE_LOG") == nullptr;
  if (quiet) run.topology.broker.log_level = "warn";
  ASSIGN_OR_RETURN(const std::unique_ptr<LocalPipeline> pipeline,
                   LocalPipeline::Start(
                       clock, dir,
                       {.topology = std::move(run.topology),
                        .log_level = quiet ? "warn" : "",
                        .hold = true,
                        .on_line = [&terminal](std::string_view line) { terminal.Print(line); }}));
  LocalSession session(clock, signals, terminal, *pipeline,
                       {.progress = options.progress,
                        .until = options.until,
                        .remark_details = run.remark_details,
                        .on_accepted =
                            [&] {
                              const auto noted = run.on_accepted();
                              if (!noted) terminal.Print("millrace: " + noted.error().message);
                            },
                        .ended = run.ended});
  return session.Run(std::move(run.request));
}

Result<int> RunLocally(SignalFd& signals, const TempDir& dir, LocalRun run,
                       const LocalRunOptions& options) {
  Terminal terminal(STDERR_FILENO);
  const std::string how_to_go_on = run.how_to_go_on;
  ASSIGN_OR_RETURN(const SessionEnd end, RunToEnd(signals, dir, std::move(run), options, terminal));
  return Conclude(options, end, how_to_go_on, terminal);
}

}  // namespace millrace::cli
