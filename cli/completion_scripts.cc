#include "cli/completion_scripts.h"

#include <fmt/format.h>

namespace millrace::cli {
namespace {

// In single quotes for every shell.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

enum class Which { kLong, kWithValue, kTopology };

std::string Names(const std::vector<CompletionOption>& options, Which which) {
  std::vector<std::string> names;
  for (const CompletionOption& option : options) {
    if (which == Which::kWithValue && !option.has_value) continue;
    if (which == Which::kTopology && !option.is_topology) continue;
    for (const std::string& name : option.names) {
      if (which != Which::kLong || name.starts_with("--")) names.push_back(name);
    }
  }
  return fmt::format("{}", fmt::join(names, " "));
}

std::string TopologyNames(const CompletionWords& words) {
  std::vector<std::string> names;
  for (const CompletionTopology& topology : words.topologies) names.push_back(topology.name);
  return fmt::format("{}", fmt::join(names, " "));
}

// For bash and zsh: looks at the words before the one that is completed ($1) and says in `kind` and
// `offered` what may stand there. The caller has declared all the names that it sets.
std::string LookFunction(const CompletionWords& all) {
  std::string script =
      "_millrace_command() {\n"
      "  case $command in\n";
  std::string next;
  std::string parameters;
  for (const CompletionCommand& command : all.commands) {
    script += fmt::format(
        "    '{}') own='{}' valued='{}' of_topology='{}' subs='{}' first={} ;;\n", command.words,
        Names(command.options, Which::kLong), Names(command.options, Which::kWithValue),
        Names(command.options, Which::kTopology), fmt::join(command.commands, " "),
        command.topology_first ? "topology" : "file");
    for (const std::string& sub : command.commands) {
      next += fmt::format("      '{} {}') command='{}{}{}'; _millrace_command; continue ;;\n",
                          command.words, sub, command.words, command.words.empty() ? "" : " ", sub);
    }
    if (!command.takes_parameters) continue;
    for (const CompletionTopology& topology : all.topologies) {
      if (topology.parameters.empty()) continue;
      parameters += fmt::format("      '{} {}') parameters='{}' ;;\n", command.words, topology.name,
                                Names(topology.parameters, Which::kLong));
    }
  }
  script +=
      "  esac\n"
      "}\n"
      "_millrace_look() {\n"
      "  local current=$1 word value= parameters= positionals=0\n"
      "  shift\n"
      "  command=\n"
      "  _millrace_command\n"
      "  for word in \"$@\"; do\n"
      // bash takes --set=a=b and tcp://host:1 for several words.
      "    if [[ $word == '=' || $word == ':' ]]; then value=${value:-glued}; continue; fi\n"
      "    if [[ -n $value ]]; then value=; continue; fi\n"
      "    if [[ $word == -* ]]; then\n"
      "      [[ \" $valued $parameters \" == *\" $word \"* ]] && value=$word\n"
      "      continue\n"
      "    fi\n"
      "    case \"$command $word\" in\n" +
      next +
      "    esac\n"
      "    positionals=$((positionals + 1))\n"
      "    [[ $positionals == 1 ]] && case \"$command $word\" in\n" +
      parameters +
      "    esac\n"
      "  done\n"
      "  kind=files offered=\n"
      "  if [[ -n $value ]]; then\n"
      "    [[ \" $of_topology \" == *\" $value \"* ]] && kind=topology\n"
      "  elif [[ $current == -* ]]; then\n"
      "    kind=words offered=\"$own $parameters\"\n"
      "  elif [[ -n $subs ]]; then\n"
      "    kind=words offered=$subs\n"
      "  elif [[ $positionals == 0 && $first == topology ]]; then\n"
      "    kind=topology\n"
      "  fi\n"
      "}\n";
  return script;
}

constexpr const char* kLookLocals =
    "  local command own valued of_topology subs first kind offered\n";

}  // namespace

std::string BashCompletion(const CompletionWords& words) {
  return LookFunction(words) +
         "_millrace() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]}\n" +
         kLookLocals +
         "  _millrace_look \"$current\" \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"\n"
         "  [[ $current == = ]] && { _millrace_look '' \"${COMP_WORDS[@]:1:COMP_CWORD}\"; "
         "current=; }\n"
         "  COMPREPLY=()\n"
         "  case $kind in\n"
         "    words) mapfile -t COMPREPLY < <(compgen -W \"$offered\" -- \"$current\") ;;\n"
         "    topology)\n"
         "      mapfile -t COMPREPLY < <(\n"
         "        compgen -W '" +
         TopologyNames(words) +
         "' -- \"$current\"\n"
         "        compgen -f -X '!*.y?(a)ml' -- \"$current\"\n"
         "        compgen -d -- \"$current\")\n"
         "      compopt -o filenames 2>/dev/null ;;\n"
         "  esac\n"
         "}\n"
         "complete -o default -o bashdefault -F _millrace millrace\n";
}

std::string ZshCompletion(const CompletionWords& words) {
  return "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }\n" +
         LookFunction(words) + "_millrace() {\n" + kLookLocals +
         "  _millrace_look \"${words[CURRENT]}\" \"${(@)words[2,CURRENT-1]}\"\n"
         "  case $kind in\n"
         "    words) compadd -- ${=offered} ;;\n"
         "    topology) compadd -- " +
         TopologyNames(words) +
         "; _files -g '*.(yaml|yml)' ;;\n"
         "    *) _files ;;\n"
         "  esac\n"
         "}\n"
         "compdef _millrace millrace\n";
}

std::string FishCompletion(const CompletionWords& words) {
  std::string script =
      // Whether the line's command is this one.
      "function __millrace_at\n"
      "  set -l line (commandline -opc)\n"
      "  test \"$line[2..-1]\" = \"$argv\"; "
      "or string match -q -- \"$argv *\" \"$line[2..-1]\"\n"
      "end\n"
      // Whether nothing stands behind it yet.
      "function __millrace_just\n"
      "  set -l line (commandline -opc)\n"
      "  test \"$line[2..-1]\" = \"$argv\"\n"
      "end\n";
  const auto add = [&](const std::string& condition, const CompletionOption& option) {
    script += fmt::format("complete -c millrace -n '{}'", condition);
    for (const std::string& name : option.names) {
      script += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    }
    if (option.has_value) script += " -r";
    if (option.is_topology) script += fmt::format(" -a '{}'", TopologyNames(words));
    script += fmt::format(" -d {}\n", Quoted(option.help));
  };
  for (const CompletionCommand& command : words.commands) {
    const std::string at =
        command.words.empty() ? "__millrace_just" : "__millrace_at " + command.words;
    for (const CompletionCommand& sub : words.commands) {
      const std::string prefix = command.words.empty() ? "" : command.words + " ";
      if (!sub.words.starts_with(prefix)) continue;
      const std::string last = sub.words.substr(prefix.size());
      if (last.empty() || last.find(' ') != std::string::npos) continue;
      script += fmt::format("complete -c millrace -n '__millrace_just {}' -f -a {} -d {}\n",
                            command.words, last, Quoted(sub.help));
    }
    for (const CompletionOption& option : command.options) add(at, option);
    if (command.topology_first) {
      script += fmt::format("complete -c millrace -n '__millrace_just {}' -a '{}'\n", command.words,
                            TopologyNames(words));
    }
    if (!command.takes_parameters) continue;
    for (const CompletionTopology& topology : words.topologies) {
      for (const CompletionOption& parameter : topology.parameters) {
        add(at + " " + topology.name, parameter);
      }
    }
  }
  return script;
}

}  // namespace millrace::cli
