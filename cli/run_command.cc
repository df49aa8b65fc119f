// millrace run TOPOLOGY INPUT OUTPUT: everything on this machine, from a folder to its results.

#include <memory>

#include "cli/check/broken_list.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/local_run.h"
#include "cli/option_changes.h"
#include "cli/run_input.h"
#include "cli/run_record.h"
#include "cli/spooled_list.h"
#include "cli/topology_choice.h"

namespace millrace::cli {
namespace {

struct RunOptions {
  TopologyChoice choice;
  InputSelection input;
  std::string skip_broken;  // a report of `millrace check`; "": none
  std::string state;
  LocalRunOptions local;
};

// What is not as it was in the latest run into this OUTPUT, where that can be told.
std::string ChangesSinceLatest(const Topology& topology, const std::string& output,
                               const TempDir& dir) {
  const auto record = ReadPipelineRecord(output);
  if (!record) return "";
  const auto before = LoadRecorded(record->topology, dir.path());
  const std::string changes = before ? DescribeOptionChanges(*before, topology) : "";
  return changes.empty() ? "" : "since the latest run " + changes;
}

Result<int> Run(const RunOptions& options) {
  ASSIGN_OR_RETURN(SignalFd signals, SignalFd::Open());  // before any thread
  ASSIGN_OR_RETURN(const TempDir dir, TempDir::Create());
  InputSelection input = options.input;
  if (!options.skip_broken.empty()) input.scan.skip_list = dir.path() + "/broken";
  SpoolInterrupt interrupt{signals};
  auto made = MakeSubmit(input, InputIs::kHere, dir.path() + "/files", &interrupt);
  if (interrupt.signal != 0) {
    PrintError(made.error());
    return ExitStatusOfSignal(interrupt.signal);
  }
  ASSIGN_OR_RETURN(const wire::Submit submit, std::move(made));
  if (!options.skip_broken.empty()) {
    RETURN_IF_ERROR(WriteBrokenList(options.skip_broken, submit.input, input.scan.skip_list));
  }
  ASSIGN_OR_RETURN(Topology topology, LoadChosen(options.choice, dir.path()));
  topology.broker.state =
      options.state.empty() ? submit.output + "/.millrace" : AbsolutePath(options.state);
  const PipelineRecord record = RecordOf(topology, submit.input, submit.output);
  std::string changes = ChangesSinceLatest(topology, submit.output, dir);
  return RunLocally(
      signals, dir,
      {.topology = std::move(topology),
       .request = submit,
       .on_accepted = [&record] { return WritePipelineRecord(record); },
       .remark_details = std::move(changes),
       .how_to_go_on = options.input.fresh
                           ? "the same command without --fresh goes on where it stopped"
                           : "the same command goes on where it stopped"},
      options.local);
}

}  // namespace

void AddRunCommand(CLI::App& app, Action& chosen, const std::vector<std::string>& arguments) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command =
      app.add_subcommand("run", "Run a topology over a folder on this machine, and report");
  AddTopologyOptions(*command, options->choice);
  AddInputOptions(*command, options->input);
  command
      ->add_option("--skip-broken", options->skip_broken,
                   "Leave out the files that a report of `millrace check --report` says have lost "
                   "pixels, where they have not changed since")
      ->type_name("REPORT")
      ->group("What is taken from INPUT");
  command
      ->add_option("--state", options->state,
                   "Where to remember what is done (default: OUTPUT/.millrace); a local disk, for "
                   "an OUTPUT on a network file system")
      ->type_name("DIR");
  AddLocalRunOptions(*command, options->local);
  AddParameterOptions(*command, options->choice, arguments);
  AddStageOptionsHelp(*command, arguments);
  command->footer(
      "OUTPUT gets the results under the paths that the files have in INPUT; OUTPUT/.millrace\n"
      "gets report.json and failed.jsonl. Ctrl-C finishes what is in flight and writes the\n"
      "report, and so do SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2; a second Ctrl-C or SIGTERM, a\n"
      "second or more later, stops at once, and the report is written all the same.\n\n"
      "The same command again does what is not done yet: what is new or changed, what another\n"
      "model or other options made, and what was left when it was stopped. Files that failed\n"
      "are not tried again unless they changed, or it was not their fault (a full disk, a\n"
      "worker that was lost): `millrace retry OUTPUT` does.\n\n"
      "Exit status: 0 done; 1 done, but failures reached --fail-on; 2 wrong usage,\n"
      "configuration, INPUT or weights, or no images; 3 could not finish; 75 stopped by plan\n"
      "(--until, SIGUSR1, SIGUSR2) with work left; 129, 130 or 143 interrupted.\n\n"
      "`millrace run TOPOLOGY --help` lists the topology's own parameters and the options of its\n"
      "stages too.\n\n"
      "Examples:\n"
      "  millrace run demo photos out\n"
      "  millrace run face-parsing photos out --weights models/79999_iter.pth\n"
      "  millrace run face-parsing photos out --set preprocess.replicas=4 --fail-on 1%\n"
      "  find photos -newer stamp -print0 | millrace run demo photos out --files-from - -0\n"
      "  millrace run demo photos out --until 06:00    # and the same again the next night\n"
      "  millrace run mine.yaml photos out --json | jq .images_per_s");
  command->callback([options, &chosen] {
    chosen = [options] {
      const Result<int> status = Run(*options);
      return status ? *status : PrintError(status.error());
    };
  });
}

}  // namespace millrace::cli
