// TOPOLOGY on the command line: a file or the name of one that comes with millrace, what --set and
// the topology's own parameters change in it.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/config/load.h"

namespace millrace::cli {

struct TopologyChoice {
  std::string topology;  // as written
  std::vector<std::string> sets;
  std::map<std::string, std::string> parameters;
};

// TOPOLOGY and --set.
void AddTopologyOptions(CLI::App& command, TopologyChoice& choice);

// Makes each parameter of the chosen topology an option of `command`: --weights FILE. Looks for the
// topology in `arguments`, the words after the command's name; the options of `command` must have
// been added by now, so that their values are told from it. Does nothing where no topology is named
// or it cannot be read: parsing or loading it says so later.
void AddParameterOptions(CLI::App& command, TopologyChoice& choice,
                         const std::vector<std::string>& arguments);

// Has the --help of `command` tell the options of the stages of the topology that `arguments` name,
// as AddParameterOptions finds it, before its footer.
void AddStageOptionsHelp(CLI::App& command, const std::vector<std::string>& arguments);

// The path of a topology: "face-parsing" is a file of that name or face-parsing.yaml in one of
// `folders`. kNotFound names those there are.
Result<std::string> FindTopology(const std::string& written,
                                 const std::vector<std::string>& folders);

// Where the topologies that come with millrace lie: beside an installed executable, or in the
// source tree.
std::vector<std::string> TopologyFolders();

// Their names.
std::vector<std::string> KnownTopologies();

// What a topology is loaded with on the command line's behalf: the schemas of the built-in stages,
// this machine's cores, --set and the parameters.
LoadContext CommandLineContext(const TopologyChoice& choice);

// Finds and loads what is to run here: the files that its options name must exist. An
// `endpoint_dir` other than "" makes everything run over ipc in that folder.
Result<Topology> LoadChosen(const TopologyChoice& choice, const std::string& endpoint_dir = "");

// Loads what a run has recorded (run_record.h), into which nothing is to be put any more, to run it
// again over ipc in `endpoint_dir`.
Result<Topology> LoadRecorded(const std::string& recorded, const std::string& endpoint_dir);

// Finds and loads what runs already, and perhaps on other machines: to learn where its broker is.
Result<Topology> LoadElsewhere(const std::string& topology);

}  // namespace millrace::cli
