// millrace completion bash|zsh|fish: a completion script, made from the command line's own parser,
// so that the two cannot differ.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/topology_choice.h"

namespace millrace::cli {
namespace {

struct CompletionOptions {
  std::string shell;
};

// One command's words: "run" → its long options.
struct Words {
  std::string command;  // "model fetch"; "" for millrace itself
  std::string help;
  std::vector<std::pair<std::string, std::string>> options;   // "--limit", its help
  std::vector<std::pair<std::string, std::string>> commands;  // subcommands, their help
};

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

void Collect(const CLI::App& app, const std::string& prefix, std::vector<Words>& all) {
  Words words{
      .command = prefix, .help = FirstLine(app.get_description()), .options = {}, .commands = {}};
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      words.options.emplace_back("--" + name, FirstLine(option->get_description()));
    }
  }
  for (const CLI::App* sub : app.get_subcommands({})) {
    words.commands.emplace_back(sub->get_name(), FirstLine(sub->get_description()));
  }
  all.push_back(words);
  for (const CLI::App* sub : app.get_subcommands({})) {
    Collect(*sub, prefix.empty() ? sub->get_name() : prefix + " " + sub->get_name(), all);
  }
}

std::string Joined(const std::vector<std::pair<std::string, std::string>>& words) {
  std::string text;
  for (const auto& [word, help] : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// In single quotes for every shell.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// The same function serves bash and, through bashcompinit, zsh.
std::string BashScript(const std::vector<Words>& all, const std::string& topologies) {
  std::string script =
      "_millrace() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} command= word i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=${COMP_WORDS[i]}\n"
      "    case \"$command $word\" in\n";
  for (const Words& words : all) {
    if (words.command.empty()) continue;
    const std::size_t space = words.command.rfind(' ');
    const std::string parent = space == std::string::npos ? "" : words.command.substr(0, space);
    const std::string last =
        space == std::string::npos ? words.command : words.command.substr(space + 1);
    script += fmt::format("      '{} {}') command='{}' ;;\n", parent, last, words.command);
  }
  script +=
      "    esac\n"
      "  done\n"
      "  local options= words=\n"
      "  case $command in\n";
  for (const Words& words : all) {
    std::string plain = Joined(words.commands);
    for (const char* takes_topology : {"run", "up", "down", "submit", "validate"}) {
      if (words.command == takes_topology) plain = topologies;
    }
    script += fmt::format("    '{}') options='{}' words='{}' ;;\n", words.command,
                          Joined(words.options), plain);
  }
  script +=
      "  esac\n"
      "  COMPREPLY=()\n"
      "  [[ $current == -* ]] && words=$options\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "}\n"
      "complete -o default -o bashdefault -F _millrace millrace\n";
  return script;
}

std::string FishScript(const std::vector<Words>& all, const std::string& topologies) {
  std::string script;
  for (const Words& words : all) {
    std::string seen = "__fish_use_subcommand";
    if (!words.command.empty()) {
      seen.clear();
      for (std::size_t start = 0; start < words.command.size();) {
        const std::size_t end = std::min(words.command.find(' ', start), words.command.size());
        seen += (seen.empty() ? "" : "; and ") + std::string("__fish_seen_subcommand_from ") +
                words.command.substr(start, end - start);
        start = end + 1;
      }
    }
    for (const auto& [command, help] : words.commands) {
      script +=
          fmt::format("complete -c millrace -n '{}' -f -a {} -d {}\n", seen, command, Quoted(help));
    }
    for (const auto& [option, help] : words.options) {
      script += fmt::format("complete -c millrace -n '{}' -l {} -d {}\n", seen, option.substr(2),
                            Quoted(help));
    }
    for (const char* takes_topology : {"run", "up", "down", "submit", "validate"}) {
      if (words.command != takes_topology) continue;
      script += fmt::format("complete -c millrace -n '{}' -a '{}'\n", seen, topologies);
    }
  }
  return script;
}

int PrintScript(const CompletionOptions& options, const CLI::App& app) {
  std::vector<Words> all;
  Collect(app, "", all);
  std::string topologies;
  for (const std::string& name : KnownTopologies()) {
    topologies += (topologies.empty() ? "" : " ") + name;
  }
  if (options.shell == "fish") {
    fmt::print("{}", FishScript(all, topologies));
    return kExitDone;
  }
  if (options.shell == "zsh") fmt::print("autoload -U +X bashcompinit && bashcompinit\n");
  fmt::print("{}", BashScript(all, topologies));
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
