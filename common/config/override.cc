#include "common/config/override.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/config/options.h"

namespace millrace {
namespace {

ConfigNode Make(ConfigNode::Kind kind, const std::shared_ptr<const Origin>& origin) {
  ConfigNode node;
  node.kind = kind;
  node.origin = origin;
  return node;
}

ConfigNode ValueNode(std::string_view value, const std::shared_ptr<const Origin>& origin,
                     Problems& problems) {
  if (value.starts_with('[') || value.starts_with('{')) {
    ConfigNode node = ParseYaml(value, origin, problems);
    node.line = 0;
    node.column = 0;
    return node;
  }
  ConfigNode node = Make(ConfigNode::Kind::kScalar, origin);
  node.text = value;
  node.loose = true;
  return node;
}

// The map that the first part of a target names, made where it is `broker`; nullptr with a problem.
ConfigNode* FindRoot(ConfigNode& root, std::string_view first, std::string_view target,
                     const ConfigNode& at, Problems& problems) {
  if (first == "broker") {
    if (root.Find("broker") == nullptr) {
      ConfigNode key = Make(ConfigNode::Kind::kScalar, at.origin);
      key.text = "broker";
      root.entries.push_back({std::move(key), Make(ConfigNode::Kind::kMap, at.origin)});
    }
    return root.Find("broker");
  }
  if (ConfigNode* stages = root.Find("stages"); stages != nullptr) {
    for (ConfigNode& stage : stages->items) {
      const ConfigNode* name = stage.Find("name");
      if (name != nullptr && name->text == first) return &stage;
    }
  }
  std::vector<std::string> names = StageNames(root);
  names.emplace_back("broker");
  const std::string nearest = NearestName(first, names);
  problems.Add(at, std::string(target), fmt::format("there is no stage \"{}\"", first),
               nearest.empty() ? fmt::format("begin with one of {}", fmt::join(names, ", "))
                               : fmt::format("did you mean \"{}\"?", nearest));
  return nullptr;
}

}  // namespace

std::vector<std::string> StageNames(const ConfigNode& root) {
  std::vector<std::string> names;
  if (const ConfigNode* stages = root.Find("stages"); stages != nullptr) {
    for (const ConfigNode& stage : stages->items) {
      const ConfigNode* name = stage.Find("name");
      if (name != nullptr && name->kind == ConfigNode::Kind::kScalar) names.push_back(name->text);
    }
  }
  return names;
}

void Override(ConfigNode& root, std::string_view target, std::string_view value,
              const std::shared_ptr<const Origin>& origin, Problems& problems) {
  ConfigNode node = ValueNode(value, origin, problems);
  const std::size_t first_dot = target.find('.');
  if (first_dot == std::string_view::npos || target.ends_with('.') ||
      target.find("..") != std::string_view::npos || target.size() > 512) {
    problems.Add(node, std::string(target.substr(0, 80)), "this names no value",
                 "write STAGE.KEY, STAGE.options.KEY or broker.KEY");
    return;
  }
  ConfigNode* map = FindRoot(root, target.substr(0, first_dot), target, node, problems);
  if (map == nullptr) return;
  std::string_view rest = target.substr(first_dot + 1);
  for (;;) {
    if (map->kind == ConfigNode::Kind::kNull) map->kind = ConfigNode::Kind::kMap;
    if (map->kind != ConfigNode::Kind::kMap) {
      problems.Add(node, std::string(target),
                   fmt::format("the file has {} on the way there", KindName(map->kind)),
                   "correct the path, or the file");
      return;
    }
    const std::size_t dot = rest.find('.');
    const std::string_view part = rest.substr(0, dot);
    ConfigNode* below = map->Find(part);
    if (below == nullptr) {
      ConfigNode key = Make(ConfigNode::Kind::kScalar, origin);
      key.text = part;
      map->entries.push_back({std::move(key), Make(ConfigNode::Kind::kMap, origin)});
      below = &map->entries.back().value;
    }
    if (dot == std::string_view::npos) {
      *below = std::move(node);
      return;
    }
    map = below;
    rest = rest.substr(dot + 1);
  }
}

void OverrideFromText(ConfigNode& root, std::string_view text, const std::string& relative_to,
                      Problems& problems) {
  const auto origin =
      std::make_shared<const Origin>(Origin{.name = fmt::format("--set {}", text.substr(0, 200)),
                                            .relative_to = relative_to,
                                            .from_command_line = true});
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    problems.Add(Make(ConfigNode::Kind::kNull, origin), "", "there is no value",
                 "write STAGE.KEY=VALUE, as in preprocess.replicas=4");
    return;
  }
  Override(root, text.substr(0, equals), text.substr(equals + 1), origin, problems);
}

}  // namespace millrace
