#include "cli/topology_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "cli/command.h"
#include "common/config/describe_options.h"
#include "common/os/cpu_count.h"
#include "common/os/executable_dir.h"
#include "stages/builtin_options.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

bool IsFile(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

// The first word of a command line that is neither an option nor an option's value; "" for none.
// An unknown option is taken for a parameter, which has a value.
std::string FirstPositional(const CLI::App& command, const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--") return i + 1 < arguments.size() ? arguments[i + 1] : "";
    if (!word.starts_with('-') || word == "-") return word;
    if (word.find('=') != std::string::npos) continue;
    const CLI::Option* option = command.get_option_no_throw(word);
    const bool has_value =
        option == nullptr ? word.starts_with("--") : option->get_items_expected_max() > 0;
    if (has_value) ++i;
  }
  return "";
}

// The topologies of these folders by name, sorted.
std::vector<std::string> NamesIn(const std::vector<std::string>& folders) {
  std::set<std::string> names;
  for (const std::string& folder : folders) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
      if (entry.path().extension() == ".yaml") names.insert(entry.path().stem().string());
    }
  }
  return {names.begin(), names.end()};
}

// Long options that a parameter must not shadow: those of every command that takes parameters.
std::vector<std::string> ReservedParameters() {
  CLI::App app;
  Action ignored;
  AddRunCommand(app, ignored, {});
  AddUpCommand(app, ignored, {});
  std::set<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) {
    for (const CLI::Option* option : command->get_options()) {
      names.insert(option->get_lnames().begin(), option->get_lnames().end());
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace

void AddTopologyOptions(CLI::App& command, TopologyChoice& choice) {
  command
      .add_option("TOPOLOGY", choice.topology,
                  "A topology file, or the name of one that comes with millrace: " +
                      fmt::format("{}", fmt::join(KnownTopologies(), ", ")))
      ->required();
  command
      .add_option("--set", choice.sets,
                  "Change a value of the topology, e.g. preprocess.replicas=4 or "
                  "inference.options.weights=w.pth; may be repeated")
      ->type_name("PATH=VALUE")
      ->allow_extra_args(false);
}

void AddParameterOptions(CLI::App& command, TopologyChoice& choice,
                         const std::vector<std::string>& arguments) {
  const std::string written = FirstPositional(command, arguments);
  if (written.empty()) return;
  const Result<std::string> path = FindTopology(written, TopologyFolders());
  if (!path) return;
  const Result<std::vector<Parameter>> parameters = ReadParameters(*path);
  if (!parameters) return;
  for (const Parameter& parameter : *parameters) {
    const std::string name = "--" + parameter.name;
    if (command.get_option_no_throw(name) != nullptr) continue;  // loading refuses it by name
    command
        .add_option_function<std::string>(
            name,
            [&choice, key = parameter.name](const std::string& value) {
              choice.parameters[key] = value;
            },
            parameter.help.empty() ? "Sets " + parameter.sets : parameter.help)
        ->type_name("VALUE")
        ->group("Parameters of " + written);
  }
}

void AddStageOptionsHelp(CLI::App& command, const std::vector<std::string>& arguments) {
  const std::string written = FirstPositional(command, arguments);
  if (written.empty()) return;
  command.footer([written]() -> std::string {
    const Result<Topology> topology = LoadElsewhere(written);
    if (!topology) return "";
    std::string text = fmt::format(
        "The options of the stages of {}, each by --set or in the topology file:\n", written);
    for (const StageConfig& stage : topology->stages) {
      const OptionSchema* schema = BuiltinSchema(stage.executable);
      if (schema == nullptr) continue;
      text += DescribeOptions(*schema, stage.name + ".options.", &stage.options);
    }
    return text;
  });
}

Result<std::string> FindTopology(const std::string& written,
                                 const std::vector<std::string>& folders) {
  const bool looks_like_path = written.find('/') != std::string::npos ||
                               written.ends_with(".yaml") || written.ends_with(".yml");
  if (looks_like_path && IsFile(written)) return written;
  for (const std::string& folder : folders) {
    const fs::path path = fs::path(folder) / (written + ".yaml");
    if (IsFile(path)) return path.lexically_normal().string();
  }
  if (IsFile(written)) return written;

  const std::vector<std::string> known = NamesIn(folders);
  std::string message =
      fmt::format("there is no topology '{}': neither a file of that name", written);
  message += known.empty() ? "" : fmt::format(", nor one of {}", fmt::join(known, ", "));
  if (const std::string near = NearestName(written, known); !near.empty()) {
    message += fmt::format("; did you mean '{}'?", near);
  }
  return Fail(ErrorCode::kNotFound, std::move(message));
}

std::vector<std::string> TopologyFolders() {
  std::vector<std::string> folders;
  if (const auto beside = ExecutableDir()) {
    folders.push_back(*beside + "/../share/millrace/config");
    folders.push_back(*beside + "/../../../config");  // build/<preset>/bin
  }
  folders.emplace_back(MILLRACE_SOURCE_CONFIG_DIR);  // a build folder anywhere else
  return folders;
}

std::vector<std::string> KnownTopologies() { return NamesIn(TopologyFolders()); }

LoadContext CommandLineContext(const TopologyChoice& choice) {
  LoadContext context;
  context.schema = BuiltinSchema;
  context.executables = BuiltinExecutables();
  context.sets = choice.sets;
  context.parameters = choice.parameters;
  context.reserved_parameters = ReservedParameters();
  context.core_count = UsableCores();
  return context;
}

Result<Topology> LoadChosen(const TopologyChoice& choice, const std::string& endpoint_dir) {
  ASSIGN_OR_RETURN(const std::string path, FindTopology(choice.topology, TopologyFolders()));
  LoadContext context = CommandLineContext(choice);
  context.endpoint_dir = endpoint_dir;
  context.check_files = true;
  context.check_options = CheckBuiltinOptions;
  return LoadTopology(path, context);
}

Result<Topology> LoadRecorded(const std::string& recorded, const std::string& endpoint_dir) {
  const std::string path = endpoint_dir + "/recorded.yaml";
  std::ofstream file(path, std::ios::binary);
  file << recorded;
  file.close();
  if (!file) return Fail(ErrorCode::kWriteFailed, "cannot write " + path);
  LoadContext context = CommandLineContext({});
  context.endpoint_dir = endpoint_dir;
  context.check_files = true;
  context.check_options = CheckBuiltinOptions;
  return LoadTopology(path, context);
}

Result<Topology> LoadElsewhere(const std::string& topology) {
  ASSIGN_OR_RETURN(const std::string path, FindTopology(topology, TopologyFolders()));
  return LoadTopology(path, CommandLineContext({}));
}

}  // namespace millrace::cli
