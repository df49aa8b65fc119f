// millrace completion bash|zsh|fish: a completion script, made from the command line's own parser,
// so that the two cannot differ.

#include <fmt/format.h>

#include <memory>

#include "cli/command.h"
#include "cli/completion_scripts.h"
#include "cli/exit_status.h"
#include "cli/topology_choice.h"

namespace millrace::cli {
namespace {

constexpr const char* kTopologyType = "TOPOLOGY";

struct CompletionOptions {
  std::string shell;
};

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

void Collect(const CLI::App& app, const std::string& words, std::vector<CompletionCommand>& all) {
  CompletionCommand command{.words = words, .help = FirstLine(app.get_description())};
  bool first = true;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      if (first) command.topology_first = option->get_name(true) == kTopologyType;
      first = false;
      continue;
    }
    CompletionOption described{.help = FirstLine(option->get_description()),
                               .has_value = option->get_items_expected_max() > 0,
                               .is_topology = option->get_type_name() == kTopologyType};
    for (const std::string& name : option->get_lnames()) described.names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) described.names.push_back("-" + name);
    command.options.push_back(std::move(described));
  }
  for (const CLI::App* sub : app.get_subcommands({})) command.commands.push_back(sub->get_name());
  command.takes_parameters = words == "run" || words == "up";
  all.push_back(std::move(command));
  for (const CLI::App* sub : app.get_subcommands({})) {
    Collect(*sub, words.empty() ? sub->get_name() : words + " " + sub->get_name(), all);
  }
}

std::vector<CompletionTopology> CollectTopologies() {
  std::vector<CompletionTopology> topologies;
  for (const std::string& name : KnownTopologies()) {
    CompletionTopology topology{.name = name};
    const Result<std::string> path = FindTopology(name, TopologyFolders());
    const auto parameters = path ? ReadParameters(*path) : Fail(path.error());
    if (!parameters) continue;
    for (const Parameter& parameter : *parameters) {
      topology.parameters.push_back(
          {.names = {"--" + parameter.name}, .help = FirstLine(parameter.help), .has_value = true});
    }
    topologies.push_back(std::move(topology));
  }
  return topologies;
}

int PrintScript(const CompletionOptions& options, const CLI::App& app) {
  CompletionWords words;
  Collect(app, "", words.commands);
  words.topologies = CollectTopologies();
  fmt::print("{}", options.shell == "fish"  ? FishCompletion(words)
                   : options.shell == "zsh" ? ZshCompletion(words)
                                            : BashCompletion(words));
  return kExitDone;
}

}  // namespace

void AddCompletionCommand(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<CompletionOptions>();
  CLI::App* command = app.add_subcommand("completion", "Print a completion script for a shell");
  command->add_option("SHELL", options->shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer(
      "Examples:\n"
      "  millrace completion bash > ~/.local/share/bash-completion/completions/millrace\n"
      "  millrace completion zsh >> ~/.zshrc\n"
      "  millrace completion fish > ~/.config/fish/completions/millrace.fish");
  command->callback([options, &app, &chosen] {
    chosen = [options, &app] { return PrintScript(*options, app); };
  });
}

}  // namespace millrace::cli
