#include "common/config/load.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "common/config/override.h"
#include "common/config/read_file.h"
#include "common/config/read_options.h"
#include "common/config/read_parts.h"
#include "common/config/substitute.h"
#include "common/config/topology_schema.h"

namespace millrace {
namespace {

std::string Absolute(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return (error ? path : absolute).lexically_normal().string();
}

std::optional<std::string> ProcessEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

// One reading of one file: the tree, what is wrong with it, and then the topology.
class Loader {
 public:
  Loader(const std::string& path, const LoadContext& context)
      : path_(path), context_(context), origin_(std::make_shared<Origin>()) {
    origin_->name = path;
    // Of "face.yaml" the folder is the working directory.
    origin_->relative_to = std::filesystem::path(Absolute(path)).parent_path().string();
    working_directory_ =
        Absolute(context.working_directory.empty() ? "." : context.working_directory);
    if (!context_.environment) context_.environment = ProcessEnvironment;
  }

  // False where there is no tree to go on with.
  bool Parse(std::string_view bytes) {
    root_ = ParseYaml(bytes, origin_, problems_);
    if (root_.kind == ConfigNode::Kind::kMap) return true;
    if (problems_.empty()) {
      problems_.Add(root_, "", fmt::format("{} where a topology belongs", KindName(root_.kind)),
                    "begin with `version: 1`; config/README.md describes the file");
    }
    return false;
  }

  std::vector<Parameter> Parameters() {
    if (ConfigNode* parameters = root_.Find("parameters"); parameters != nullptr) {
      Substitute(*parameters, context_.environment, problems_);
    }
    return ReadParameterMap(root_, context_.reserved_parameters, problems_);
  }

  Topology Read() {
    Topology topology;
    topology.file = path_;
    topology.parameters = Parameters();
    Override(topology.parameters);
    for (ConfigEntry& entry : root_.entries) {
      if (entry.key.text != "parameters") {
        Substitute(entry.value, context_.environment, problems_);
      }
    }
    ReadTop(topology);
    topology.broker = ReadBroker(root_.Find("broker"), root_, topology.relative_to, problems_);
    ReadStages(topology);
    CheckParameterTargets(root_, topology, context_, problems_);
    CheckCounts(topology);
    if (problems_.empty() && context_.check_options) {
      for (const OptionProblem& problem : context_.check_options(topology)) {
        problems_.Add(Place(problem), fmt::format("{}.options.{}", problem.stage, problem.option),
                      problem.what, problem.cure);
      }
    }
    return topology;
  }

  Problems& problems() { return problems_; }

 private:
  // Before variables are put in: a variable that is not set does no harm where its value is given.
  void Override(const std::vector<Parameter>& parameters) {
    for (const auto& [name, value] : context_.parameters) {
      const auto origin = std::make_shared<const Origin>(Origin{
          .name = "--" + name, .relative_to = working_directory_, .from_command_line = true});
      const auto found = std::ranges::find(parameters, name, &Parameter::name);
      if (found != parameters.end()) {
        millrace::Override(root_, found->sets, value, origin, problems_);
        continue;
      }
      std::vector<std::string> names;
      for (const Parameter& parameter : parameters) names.push_back(parameter.name);
      const std::string nearest = NearestName(name, names);
      problems_.Add({.source = origin->name,
                     .path = "",
                     .what = fmt::format("{} has no such parameter", path_),
                     .cure = !nearest.empty() ? fmt::format("did you mean --{}?", nearest)
                             : names.empty()  ? "it has none"
                                              : fmt::format("it has {}", fmt::join(names, ", "))});
    }
    for (const std::string& set : context_.sets) {
      OverrideFromText(root_, set, working_directory_, problems_);
    }
    if (!context_.endpoint_dir.empty()) {
      OverrideFromText(root_, "broker.endpoint_dir=" + context_.endpoint_dir, working_directory_,
                       problems_);
    }
  }

  void ReadTop(Topology& topology) {
    const ReadRules rules{.other_keys = {"parameters", "broker", "stages"}};
    const ReadOptions read = ReadAgainst(TopologyKeys(), &root_, root_, "", rules, problems_);
    const Options& options = read.options;
    if (options.Has("version")) {
      topology.version = static_cast<int>(options.Integer("version"));
      if (topology.version != 1) {
        problems_.Add(read.Place("version", root_), "version",
                      fmt::format("this millrace reads version 1, not {}", topology.version),
                      "write version: 1, or use the millrace that the file was written for");
      }
    }
    if (options.Has("name")) {
      topology.name = options.Text("name");
      CheckName(topology.name, read.Place("name", root_), "name", problems_);
    }
    // All nodes of the file share this origin, so that stages and broker, read after this, resolve
    // their paths from here.
    if (options.Has("relative_to")) origin_->relative_to = options.Text("relative_to");
    topology.relative_to = origin_->relative_to;
  }

  void ReadStages(Topology& topology) {
    constexpr std::size_t kMaxStages = 64;
    const ConfigNode* stages = root_.Find("stages");
    if (stages == nullptr || stages->kind != ConfigNode::Kind::kList || stages->items.empty()) {
      problems_.Add(stages != nullptr ? *stages : root_, "stages",
                    stages == nullptr ? "missing"
                    : stages->kind == ConfigNode::Kind::kList
                        ? "no stage in it"
                        : fmt::format("{} where a list belongs", KindName(stages->kind)),
                    "write stages: and below it one `- {name: ..., executable: ...}` a stage");
      return;
    }
    if (stages->items.size() > kMaxStages) {
      problems_.Add(*stages, "stages",
                    fmt::format("{} stages; at most {}", stages->items.size(), kMaxStages),
                    "join some of them");
      return;
    }
    std::map<std::string, int> lines;
    for (std::size_t i = 0; i < stages->items.size(); ++i) {
      const ConfigNode& node = stages->items[i];
      topology.stages.push_back(ReadStage(node, i, context_, problems_));
      const std::string& name = topology.stages.back().name;
      const ConfigNode* place = node.Find("name");
      if (place == nullptr || name.empty()) continue;
      if (const auto [first, is_new] = lines.emplace(name, place->line); !is_new) {
        problems_.Add(
            *place, fmt::format("stages[{}].name", i),
            fmt::format("there is a stage \"{}\" already, on line {}", name, first->second),
            "give each stage its own name");
      }
    }
  }

  // Where an option was written, or else the nearest thing around it.
  const ConfigNode& Place(const OptionProblem& problem) {
    const ConfigNode* place = &root_;
    for (const ConfigNode& stage : root_.Find("stages")->items) {
      if (stage.Find("name")->text == problem.stage) place = &stage;
    }
    const std::string path = "options." + problem.option;
    for (std::size_t at = 0; at < path.size();) {
      const std::size_t dot = std::min(path.find('.', at), path.size());
      const ConfigNode* below = place->Find(std::string_view(path).substr(at, dot - at));
      if (below == nullptr) break;
      place = below;
      at = dot + 1;
    }
    return *place;
  }

  // What the stages together ask of the broker.
  void CheckCounts(const Topology& topology) {
    const BrokerConfig& broker = topology.broker;
    std::int64_t replicas = 0;
    for (const StageConfig& stage : topology.stages) replicas += stage.replicas;
    const ConfigNode* node = root_.Find("broker");
    const auto place = [&](std::string_view key) -> const ConfigNode& {
      const ConfigNode* value = node == nullptr ? nullptr : node->Find(key);
      return value != nullptr ? *value : node != nullptr ? *node : root_;
    };
    const std::int64_t ports = broker.feed_last - broker.feed_first + 1;
    if (broker.endpoint_dir.empty() && replicas > ports) {
      problems_.Add(place("feed"), "broker.feed",
                    fmt::format("{} ports for {} replicas", ports, replicas),
                    "widen the range, or run fewer replicas");
    }
    constexpr std::int64_t kOwnSockets = 8;  // control, reports, their monitors and inner pairs
    if (replicas + kOwnSockets > broker.max_sockets) {
      problems_.Add(place("max_sockets"), "broker.max_sockets",
                    fmt::format("{} sockets for {} replicas", broker.max_sockets, replicas),
                    fmt::format("write at least {}", replicas + kOwnSockets));
    }
  }

  const std::string path_;
  LoadContext context_;
  std::shared_ptr<Origin> origin_;
  std::string working_directory_;
  Problems problems_;
  ConfigNode root_;
};

}  // namespace

TopologyOrProblems ParseTopology(std::string_view bytes, const std::string& path,
                                 const LoadContext& context) {
  Loader loader(path, context);
  Topology topology;
  if (loader.Parse(bytes)) topology = loader.Read();
  if (!loader.problems().empty()) return tl::unexpected(loader.problems().Take());
  return topology;
}

TopologyOrProblems CheckTopology(const std::string& path, const LoadContext& context) {
  auto bytes = ReadTopologyFile(path);
  if (!bytes) return tl::unexpected(std::vector<Problem>{bytes.error().problem});
  return ParseTopology(*bytes, path, context);
}

Result<Topology> LoadTopology(const std::string& path, const LoadContext& context) {
  auto bytes = ReadTopologyFile(path);
  if (!bytes) return Fail(bytes.error().code, bytes.error().problem.Text());
  auto topology = ParseTopology(*bytes, path, context);
  if (!topology) return Fail(ErrorCode::kUsage, ProblemsText(topology.error()));
  return *std::move(topology);
}

Result<std::vector<Parameter>> ReadParameters(const std::string& path) {
  auto bytes = ReadTopologyFile(path);
  if (!bytes) return Fail(bytes.error().code, bytes.error().problem.Text());
  Loader loader(path, LoadContext{});
  std::vector<Parameter> parameters;
  if (loader.Parse(*bytes)) parameters = loader.Parameters();
  if (!loader.problems().empty()) {
    return Fail(ErrorCode::kUsage, ProblemsText(loader.problems().Take()));
  }
  return parameters;
}

}  // namespace millrace
