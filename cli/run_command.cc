// millrace run TOPOLOGY INPUT OUTPUT: everything on this machine, from a folder to its results.

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/report.h"
#include "cli/run_input.h"
#include "cli/run_session.h"
#include "cli/topology_choice.h"

namespace millrace::cli {
namespace {

struct RunOptions {
  TopologyChoice choice;
  RunInput input;
  Verdict verdict;
  ProgressStyle progress = ProgressStyle::kAuto;
  bool json = false;
  bool verbose = false;
};

int Conclude(const RunOptions& options, const SessionEnd& end, Terminal& terminal) {
  if (end.run) {
    for (const std::string& line : DescribeRun(*end.run)) terminal.Print(line);
    if (options.json) fmt::print("{}", end.run->report);
  }
  if (end.signal != 0) return 128 + end.signal;
  if (!end.trouble.empty()) {
    terminal.Print("millrace: " + end.trouble);
    return end.exit_status;
  }
  const Judgement judgement = JudgeRun(*end.run, options.verdict);
  if (!judgement.why.empty()) terminal.Print("millrace: " + judgement.why);
  return judgement.exit_status;
}

Result<int> RunLocally(const RunOptions& options) {
  ASSIGN_OR_RETURN(SignalFd signals, SignalFd::Open());  // before any thread
  ASSIGN_OR_RETURN(const TempDir dir, TempDir::Create());
  ASSIGN_OR_RETURN(const wire::Submit submit,
                   MakeSubmit(options.input, InputIs::kHere, dir.path() + "/files"));
  ASSIGN_OR_RETURN(Topology topology, LoadChosen(options.choice, dir.path()));
  topology.broker.state = submit.output + "/.millrace";

  const SteadyClock clock;
  Terminal terminal(STDERR_FILENO);
  // What a run has to say is in its report: the processes speak up where something is wrong.
  const bool quiet = !options.verbose && std::getenv("MILLRACE_LOG") == nullptr;
  if (quiet) topology.broker.log_level = "warn";
  ASSIGN_OR_RETURN(const std::unique_ptr<LocalPipeline> pipeline,
                   LocalPipeline::Start(
                       clock, dir,
                       {.topology = std::move(topology),
                        .log_level = quiet ? "warn" : "",
                        .on_line = [&terminal](std::string_view line) { terminal.Print(line); }}));
  RunSession session(clock, signals, terminal, *pipeline, options.progress);
  return Conclude(options, session.Run(submit), terminal);
}

}  // namespace

void AddRunCommand(CLI::App& app, Action& chosen, const std::vector<std::string>& arguments) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command =
      app.add_subcommand("run", "Run a topology over a folder on this machine, and report");
  AddTopologyOptions(*command, options->choice);
  AddInputOptions(*command, options->input);
  AddVerdictOptions(*command, options->verdict);
  command
      ->add_option("--progress", options->progress,
                   "A bar on a terminal, a plain line every few seconds, or none")
      ->transform(CLI::CheckedTransformer(ProgressStyles()).description(""))
      ->type_name("auto|bar|plain|none");
  command->add_flag("--json", options->json, "Print the report, as JSON and alone, to stdout");
  command->add_flag("-v,--verbose", options->verbose,
                    "Let the broker and the stages say what they do (MILLRACE_LOG=debug: more)");
  AddParameterOptions(*command, options->choice, arguments);
  command->footer(
      "OUTPUT gets the results under the paths that the files have in INPUT; OUTPUT/.millrace "
      "gets\n"
      "report.json and failed.jsonl. Ctrl-C finishes what is in flight and writes the report; a\n"
      "second one stops at once.\n\n"
      "Exit status: 0 done; 1 done, but failures reached --fail-on; 2 wrong usage, configuration,\n"
      "INPUT or weights, or no images; 3 could not finish; 130 or 143 interrupted.\n\n"
      "`millrace run TOPOLOGY --help` lists the topology's own parameters too.\n\n"
      "Examples:\n"
      "  millrace run demo photos out\n"
      "  millrace run face-parsing photos out --weights models/79999_iter.pth\n"
      "  millrace run face-parsing photos out --set preprocess.replicas=4 --fail-on 1%\n"
      "  find photos -newer stamp -print0 | millrace run demo photos out --files-from - -0\n"
      "  millrace run mine.yaml photos out --json | jq .images_per_s");
  command->callback([options, &chosen] {
    chosen = [options] {
      const Result<int> status = RunLocally(*options);
      return status ? *status : Complain(status.error());
    };
  });
}

}  // namespace millrace::cli
