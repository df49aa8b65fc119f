// The command line: one file a subcommand (command.h).

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "common/config/options.h"

namespace millrace::cli {
namespace {

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

// The parser would only say that a subcommand is required.
Error NoSuchCommand(const std::string& word, const std::vector<std::string>& names) {
  const std::string near = NearestName(word, names);
  return {ErrorCode::kUsage,
          fmt::format("there is no command '{}'; {}", word,
                      near.empty() ? "the commands are " + fmt::format("{}", fmt::join(names, ", "))
                                   : fmt::format("did you mean '{}'?", near))};
}

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
  AddCheckCommand(app, chosen);
  AddUpCommand(app, chosen, arguments);
  AddDownCommand(app, chosen);
  AddSubmitCommand(app, chosen);
  AddStatusCommand(app, chosen);
  AddWaitCommand(app, chosen);
  AddCancelCommand(app, chosen);
  AddPauseCommand(app, chosen);
  AddResumeCommand(app, chosen);
  AddRetryCommand(app, chosen);
  AddFailuresCommand(app, chosen);
  AddStateCommand(app, chosen);
  AddValidateCommand(app, chosen);
  AddModelCommand(app, chosen);
  AddCompletionCommand(app, chosen);
  if (words.empty()) {
    fmt::print(stderr, "{}", app.help());
    return kExitUsage;
  }
  const std::vector<std::string> names = CommandNames(app);
  if (!words[0].starts_with('-') &&
      std::find(names.begin(), names.end(), words[0]) == names.end()) {
    return PrintError(NoSuchCommand(words[0], names));
  }
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
