#include "common/stage/worker_arguments.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>

#include "common/config/describe_options.h"
#include "common/config/load.h"
#include "common/os/cpu_count.h"
#include "common/os/random.h"
#include "common/stage/recipe.h"

namespace millrace {
namespace {

constexpr std::size_t kBootBytes = 16;
// A stopped or dead broker is noticed by the links' own heartbeats. This is for one whose sockets
// live while its loop does not turn, and a busy one may pause for a second or two.
constexpr Duration kMinSilence = std::chrono::seconds(5);

std::string OptionsHelp(const OptionSchema& schema) {
  if (schema.specs().empty()) return "The stage has no options.";
  return "The stage's options, in the topology file or by --set STAGE.options.NAME=VALUE:\n" +
         DescribeOptions(schema, "", nullptr);
}

std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// A topology names "preprocess" or the path of an executable.
bool Runs(std::string_view executable, const StageDefinition& definition) {
  const std::string name = FileName(std::string(executable));
  return name == definition.executable || "millrace-" + name == definition.executable;
}

std::string HostName() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

Result<net::Endpoint> ControlOf(const WorkerArguments& arguments, const Topology& topology) {
  return net::ParseEndpoint(arguments.control.empty() ? topology.broker.ControlConnectEndpoint()
                                                      : arguments.control);
}

}  // namespace

bool IsSupervised() { return std::getenv("MILLRACE_SUPERVISED") != nullptr; }

Result<std::optional<WorkerArguments>> ParseWorkerArguments(int argc, char** argv,
                                                            const StageDefinition& definition) {
  WorkerArguments out;
  CLI::App app("One stage of a millrace pipeline: takes jobs from the topology's broker.",
               definition.executable);
  app.add_option("--topology", out.topology, "The topology file")->required();
  app.add_option("--stage", out.stage, "Which of its stages to be")->required();
  app.add_option("--replica", out.replica, "Which of the stage's replicas, from 0 on")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--set", out.sets, "Replace a value of the file: STAGE.KEY=VALUE; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--control", out.control, "The broker's address instead of the file's");
  app.add_option("--log-level", out.log_level, "How much to say on stderr")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}));
  app.add_option("--give-up-after", out.give_up_seconds,
                 "Seconds without a broker after which to leave with status 3")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.set_version_flag("--version", definition.executable + " " + MILLRACE_VERSION);
  app.footer(OptionsHelp(definition.options));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return Fail(ErrorCode::kUsage, error.what());
    app.exit(error, std::cout, std::cerr);
    return std::nullopt;
  }
  return out;
}

Result<WorkerSetup> MakeWorkerSetup(const WorkerArguments& arguments,
                                    const StageDefinition& definition) {
  LoadContext load;
  load.schema = [&](std::string_view executable) {
    return Runs(executable, definition) ? &definition.options : nullptr;
  };
  load.sets = arguments.sets;
  load.core_count = UsableCores();
  load.check_files = true;
  ASSIGN_OR_RETURN(const Topology topology, LoadTopology(arguments.topology, load));
  const StageConfig* stage = topology.FindStage(arguments.stage);
  if (stage == nullptr) {
    std::vector<std::string> names;
    for (const StageConfig& each : topology.stages) names.push_back(each.name);
    return Fail(ErrorCode::kUsage,
                fmt::format("{} has no stage \"{}\"; it has {}", arguments.topology,
                            arguments.stage, fmt::join(names, ", ")));
  }
  if (!Runs(stage->executable, definition)) {
    return Fail(ErrorCode::kUsage, fmt::format("stage {} is run by {}, not by {}", stage->name,
                                               stage->executable, definition.executable));
  }
  ASSIGN_OR_RETURN(const net::Endpoint control, ControlOf(arguments, topology));
  ASSIGN_OR_RETURN(std::string boot, RandomBytes(kBootBytes));

  WorkerSetup out;
  out.config.hello = {.stage = stage->name,
                      .replica = arguments.replica,
                      .boot = std::move(boot),
                      .pid = getpid(),
                      .host = HostName(),
                      .software = definition.executable + " " + MILLRACE_VERSION};
  out.config.recipe_text = RecipeText(definition.executable, definition.options, stage->options);
  out.config.control = control;
  out.config.heartbeat = topology.broker.heartbeat;
  out.config.supervised = IsSupervised();
  out.config.settings = {
      .batch_max = stage->batch_max,
      .batch_delay = stage->batch_delay,
      .credit = stage->credit,
      .timeout = stage->timeout,
      .drain_timeout = stage->drain_timeout,
      .silence = std::max(topology.broker.heartbeat, kMinSilence),
      .give_up_after = std::chrono::duration_cast<Duration>(
          std::chrono::duration<double>(std::min(arguments.give_up_seconds, 1e8))),
  };
  out.context = {.stage = stage->name,
                 .replica = arguments.replica,
                 .replicas = stage->replicas,
                 .batch_max = stage->batch_max,
                 .options = stage->options,
                 .sandbox = stage->sandbox,
                 .log = nullptr};
  const bool from_environment = std::getenv("MILLRACE_LOG") != nullptr;
  out.log_level = !arguments.log_level.empty() || from_environment ? arguments.log_level
                                                                   : topology.broker.log_level;
  return out;
}

Result<FailedStart> MakeFailedStart(const WorkerArguments& arguments, const Error& error) {
  // Without a schema: a wrong option may be what is told. So may a --set.
  Result<Topology> topology = LoadTopology(arguments.topology, {.sets = arguments.sets});
  if (!topology) topology = LoadTopology(arguments.topology);
  if (!topology && arguments.control.empty()) return Fail(topology.error());
  ASSIGN_OR_RETURN(net::Endpoint control, ControlOf(arguments, topology ? *topology : Topology()));
  return FailedStart{.control = std::move(control),
                     .exit = {.stage = arguments.stage,
                              .replica = arguments.replica,
                              .host = HostName(),
                              .status = static_cast<std::int64_t>(WorkerExit::kCannotStart),
                              .stderr_tail = "cannot start: " + error.message}};
}

}  // namespace millrace
