#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/config/read_options.h"
#include "common/config/read_parts.h"
#include "common/config/topology_schema.h"

namespace millrace {
namespace {

bool IsParameterName(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name[0] >= 'a' && name[0] <= 'z' &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

// All that a parameter may set, as far as it is known.
struct Targets {
  std::set<std::string, std::less<>> exact;
  std::set<std::string, std::less<>> anything_below;  // options of a stage without a schema
};

Targets AllTargets(const Topology& topology, const LoadContext& context) {
  Targets targets;
  const OptionSchema broker_keys = BrokerKeys();
  const OptionSchema stage_keys = StageKeys();
  for (const OptionSpec& key : broker_keys.specs()) targets.exact.insert("broker." + key.name);
  for (const StageConfig& stage : topology.stages) {
    for (const OptionSpec& key : stage_keys.specs()) {
      if (key.name != "name") targets.exact.insert(stage.name + "." + key.name);
    }
    const OptionSchema* schema = context.schema ? context.schema(stage.executable) : nullptr;
    if (schema == nullptr) {
      targets.anything_below.insert(stage.name + ".options.");
      continue;
    }
    for (const OptionSpec& option : schema->specs()) {
      targets.exact.insert(stage.name + ".options." + option.name);
    }
  }
  return targets;
}

std::string Cure(const std::string& target, const Targets& targets, const Topology& topology) {
  const std::vector<std::string> all(targets.exact.begin(), targets.exact.end());
  if (const std::string nearest = NearestName(target, all); !nearest.empty()) {
    return fmt::format("did you mean \"{}\"?", nearest);
  }
  const std::string stage = target.substr(0, target.find('.'));
  if (topology.FindStage(stage) != nullptr) {
    std::string options;
    for (const std::string& one : all) {
      if (one.starts_with(stage + ".options.")) options += (options.empty() ? "" : ", ") + one;
    }
    if (!options.empty()) return "name one of " + options;
  }
  std::string stages;
  for (const StageConfig& one : topology.stages) stages += (stages.empty() ? "" : ", ") + one.name;
  return fmt::format("write STAGE.options.KEY or STAGE.KEY; the stages are {}", stages);
}

}  // namespace

std::vector<Parameter> ReadParameterMap(const ConfigNode& root,
                                        const std::vector<std::string>& reserved,
                                        Problems& problems) {
  std::vector<Parameter> parameters;
  const ConfigNode* map = root.Find("parameters");
  if (map == nullptr) return parameters;
  if (map->kind != ConfigNode::Kind::kMap) {
    problems.Add(*map, "parameters", fmt::format("{} where keys belong", KindName(map->kind)),
                 "write parameters: {weights: {sets: inference.options.weights}}");
    return parameters;
  }
  for (const auto& [key, value] : map->entries) {
    const std::string path = "parameters." + key.text;
    if (!IsParameterName(key.text)) {
      problems.Add(key, path, fmt::format("\"{}\" is no name of an option", key.text),
                   "use a-z, 0-9 and -, a letter first");
    } else if (std::ranges::count(reserved, key.text) > 0) {
      problems.Add(key, path, fmt::format("--{} is an option of the command itself", key.text),
                   "choose another name");
    }
    const ReadOptions read = ReadAgainst(ParameterKeys(), &value, value, path, {}, problems);
    Parameter parameter{.name = key.text, .sets = {}, .help = {}};
    if (read.options.Has("sets")) parameter.sets = read.options.Text("sets");
    if (read.options.Has("help")) parameter.help = read.options.Text("help");
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

void CheckParameterTargets(const ConfigNode& root, const Topology& topology,
                           const LoadContext& context, Problems& problems) {
  const ConfigNode* map = root.Find("parameters");
  if (map == nullptr || topology.parameters.empty()) return;
  const Targets targets = AllTargets(topology, context);
  for (const Parameter& parameter : topology.parameters) {
    if (parameter.sets.empty() || targets.exact.contains(parameter.sets)) continue;
    if (std::ranges::any_of(targets.anything_below, [&](const std::string& prefix) {
          return parameter.sets.size() > prefix.size() && parameter.sets.starts_with(prefix);
        })) {
      continue;
    }
    const ConfigNode* value = map->Find(parameter.name);
    const ConfigNode* place = value->Find("sets");
    problems.Add(place != nullptr ? *place : *value,
                 fmt::format("parameters.{}.sets", parameter.name),
                 fmt::format("\"{}\" reaches no value", parameter.sets.substr(0, 80)),
                 Cure(parameter.sets, targets, topology));
  }
}

}  // namespace millrace
