// The command line: one file a subcommand (command.h).

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/exit_status.h"

namespace millrace::cli {
namespace {

int Main(int argc, char** argv) {
  CLI::App app("Batch image inference over a message broker.", "millrace");
  app.set_version_flag("--version", "millrace " MILLRACE_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.footer(
      "`millrace COMMAND --help` tells more about each.\n\n"
      "Examples:\n"
      "  millrace run demo photos out\n"
      "  millrace run face-parsing photos out --weights models/79999_iter.pth");

  const std::vector<std::string> words(argv + 1, argv + argc);
  const std::vector<std::string> arguments(words.empty() ? words.end() : words.begin() + 1,
                                           words.end());
  Action chosen;
  AddRunCommand(app, chosen, arguments);
  AddUpCommand(app, chosen, arguments);
  AddDownCommand(app, chosen);
  AddSubmitCommand(app, chosen);
  AddStatusCommand(app, chosen);
  AddWaitCommand(app, chosen);
  AddCancelCommand(app, chosen);
  AddFailuresCommand(app, chosen);
  AddValidateCommand(app, chosen);
  AddModelCommand(app, chosen);
  AddCompletionCommand(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return kExitUsage;
  }
  return chosen ? chosen() : kExitUsage;
}

}  // namespace
}  // namespace millrace::cli

int main(int argc, char** argv) { return millrace::cli::Main(argc, argv); }
