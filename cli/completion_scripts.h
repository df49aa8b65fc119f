// Completion scripts for shells, made of what the command line's parser knows.
#pragma once

#include <string>
#include <vector>

namespace millrace::cli {

struct CompletionOption {
  std::vector<std::string> names;  // "--topology", "-t"; a long one first
  std::string help;                // one line
  bool has_value = false;
  bool is_topology = false;  // its value
};

// One command: what may follow it.
struct CompletionCommand {
  std::string words;  // "model fetch"; "" for millrace itself
  std::string help;   // one line
  std::vector<CompletionOption> options;
  std::vector<std::string> commands;  // its subcommands: "fetch"
  bool topology_first = false;        // its first positional
  bool takes_parameters = false;      // of that topology, as options
};

// A topology that comes with millrace.
struct CompletionTopology {
  std::string name;
  std::vector<CompletionOption> parameters;
};

struct CompletionWords {
  std::vector<CompletionCommand> commands;  // every command, a parent before its subcommands
  std::vector<CompletionTopology> topologies;
};

// Each completes commands, options, topologies where one may stand (with topology files), and files
// everywhere else.
std::string BashCompletion(const CompletionWords& words);
std::string ZshCompletion(const CompletionWords& words);
std::string FishCompletion(const CompletionWords& words);

}  // namespace millrace::cli
