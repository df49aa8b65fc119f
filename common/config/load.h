// Reads a topology file and checks every value before anything starts.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/options.h"
#include "common/config/problem.h"
#include "common/config/topology.h"

namespace millrace {

// Something wrong with an option that its schema cannot say, or with several together.
struct OptionProblem {
  std::string stage;   // the stage's name
  std::string option;  // the option at fault, for its place; given in the file or not
  std::string what;
  std::string cure;
};

// What a topology is read with. The default reads a file as a stage would: no schema, nothing
// overridden, the process's environment and working directory.
struct LoadContext {
  // The schema of an executable's options; nullptr, or no function: its options are kept unchecked.
  // The pointer must outlive the call.
  std::function<const OptionSchema*(std::string_view executable)> schema;
  // The executables that come with millrace: a name near to one of these is taken for a slip.
  std::vector<std::string> executables;
  // `--set` values in order, the last one wins: "inference.options.weights=w.pth". A value is taken
  // as it stands; one in [ ] or { } as YAML.
  std::vector<std::string> sets;
  // Values of the file's parameters by name; put in before `sets`.
  std::map<std::string, std::string> parameters;
  // Names a parameter may not have, since the command line uses them: "json", "help".
  std::vector<std::string> reserved_parameters;
  // Where relative paths in `sets` and `parameters` start; "": the process's working directory.
  std::string working_directory;
  // Not empty: replaces broker.endpoint_dir, and so everything runs over ipc on this machine.
  std::string endpoint_dir;
  int core_count = 1;  // what `replicas: auto` means
  // ${VAR}; no function: the process's environment.
  std::function<std::optional<std::string>(const std::string&)> environment;
  // Whether OptionSpec::must_exist is looked at. Off where the file is read on another machine than
  // the one it runs on.
  bool check_files = false;
  // What the schemas cannot say, such as weights that a model needs; asked when nothing else is
  // wrong. No function: nothing more is checked.
  std::function<std::vector<OptionProblem>(const Topology&)> check_options;
};

// Longer files are refused.
inline constexpr std::size_t kMaxTopologyFile = 1 << 20;

using TopologyOrProblems = tl::expected<Topology, std::vector<Problem>>;

// All problems of a file, not only the first, in the order of its lines; at most 100.
[[nodiscard]] TopologyOrProblems CheckTopology(const std::string& path, const LoadContext& context);
// The same for the bytes of a file; `path` is for messages and for relative paths. Any bytes give a
// topology or problems.
[[nodiscard]] TopologyOrProblems ParseTopology(std::string_view bytes, const std::string& path,
                                               const LoadContext& context);

// The same with the problems as one text, a line each; kUsage, or kNotFound or kUnreadable where
// the file cannot be read.
Result<Topology> LoadTopology(const std::string& path, const LoadContext& context = {});

// The parameters alone, with little else looked at: what a command line needs before it can give
// them their values and load the file.
Result<std::vector<Parameter>> ReadParameters(const std::string& path);

}  // namespace millrace
