// millrace validate TOPOLOGY: everything that is wrong with a topology, before anything starts.

#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/terminal.h"
#include "cli/topology_choice.h"
#include "common/config/dump.h"
#include "stages/builtin_options.h"

namespace millrace::cli {
namespace {

struct ValidateOptions {
  TopologyChoice choice;
  bool resolved = false;
  bool without_files = false;
};

int Validate(const ValidateOptions& options) {
  const Result<std::string> path = FindTopology(options.choice.topology, TopologyFolders());
  if (!path) return PrintError(path.error());
  LoadContext context = CommandLineContext(options.choice);
  context.check_files = !options.without_files;
  if (!options.without_files) context.check_options = CheckBuiltinOptions;
  const TopologyOrProblems topology = CheckTopology(*path, context);
  Terminal terminal(STDERR_FILENO);
  if (!topology) {
    for (const Problem& problem : topology.error()) terminal.Print(problem.Text());
    return kExitUsage;
  }
  if (options.resolved) {
    fmt::print("{}", DumpTopology(*topology));
  } else {
    terminal.Print(fmt::format("{}: sound, {} stages", *path, topology->stages.size()));
  }
  return kExitDone;
}

}  // namespace

void AddValidateCommand(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<ValidateOptions>();
  CLI::App* command =
      app.add_subcommand("validate", "Check a topology: every problem with file, line and cure");
  AddTopologyOptions(*command, options->choice);
  command->add_flag("--resolved", options->resolved,
                    "Print the topology with every value in its place, to stdout");
  command->add_flag("--without-files", options->without_files,
                    "Do not look for the files that options name (weights): they are elsewhere");
  command->footer(
      "Examples:\n"
      "  millrace validate mine.yaml\n"
      "  millrace validate face-parsing --set preprocess.replicas=8 --resolved");
  command->callback([options, &chosen] { chosen = [options] { return Validate(*options); }; });
}

}  // namespace millrace::cli
