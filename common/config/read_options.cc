#include "common/config/read_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "common/config/scalar.h"

namespace millrace {
namespace {

class Reader {
 public:
  Reader(const OptionSchema& schema, std::string path, const ReadRules& rules, Problems& problems)
      : schema_(schema), path_(std::move(path)), rules_(rules), problems_(problems) {
    read_.options = Options::Defaults(schema);
  }

  // `prefix` is "" for the map itself, "size." for the group `size: {...}`.
  void ReadMap(const ConfigNode& map, const std::string& prefix) {
    for (const auto& [key, value] : map.entries) {
      if (prefix.empty() && std::ranges::count(rules_.other_keys, key.text) > 0) continue;
      const std::string name = prefix + key.text;
      if (const OptionSpec* spec = schema_.Find(name);
          spec != nullptr && key.text.find('.') == std::string::npos) {
        ReadOne(*spec, value);
      } else if (IsGroup(name)) {
        ReadGroup(name, value);
      } else {
        problems_.Add(key, JoinPath(path_, name), "unknown key", UnknownCure(prefix, key.text));
      }
    }
  }

  void CheckRequired(const ConfigNode& owner) {
    for (const OptionSpec& spec : schema_.specs()) {
      if (!spec.required || read_.options.Has(spec.name) || read_.places.contains(spec.name)) {
        continue;
      }
      problems_.Add(owner, JoinPath(path_, spec.name), "missing",
                    fmt::format("add `{}: ...` ({})", spec.name,
                                spec.help.empty() ? Expected(spec) : spec.help));
    }
  }

  ReadOptions Take() { return std::move(read_); }

 private:
  void ReadOne(const OptionSpec& spec, const ConfigNode& value) {
    if (value.kind == ConfigNode::Kind::kScalar && value.loose && value.text.empty() &&
        spec.type != OptionType::kText && !value.origin->from_command_line) {
      return;  // `weights: ${WEIGHTS:-}` and no such variable: as if the line were not there
    }
    read_.places[spec.name] = &value;
    if (value.broken) return;
    const std::string path = JoinPath(path_, spec.name);
    if (value.kind == ConfigNode::Kind::kNull) {
      problems_.Add(value, path, "no value",
                    fmt::format("give one ({}), or remove the line", spec.help));
      return;
    }
    auto result = ReadValue(spec, value);
    if (!result) {
      problems_.Add(value, path, result.error().what, result.error().cure);
      return;
    }
    if (spec.must_exist && rules_.check_files)
      CheckExists(value, path, std::get<std::string>(*result));
    read_.options.Set(spec.name, *std::move(result));
  }

  void CheckExists(const ConfigNode& value, const std::string& path, const std::string& file) {
    std::error_code error;
    if (std::filesystem::exists(file, error)) return;
    const bool relative = std::filesystem::path(value.text).is_relative();
    problems_.Add(value, path, fmt::format("there is no file {}", file),
                  relative ? fmt::format("put it there or correct the path, which starts from {}",
                                         value.origin->relative_to)
                           : "put it there or correct the path");
  }

  void ReadGroup(const std::string& name, const ConfigNode& value) {
    if (value.kind == ConfigNode::Kind::kMap) {
      ReadMap(value, name + ".");
      return;
    }
    const std::vector<std::string> keys = KeysBelow(name + ".");
    problems_.Add(value, JoinPath(path_, name),
                  fmt::format("{} where keys belong", KindName(value.kind)),
                  fmt::format("write {}: {{{}: ...}}; the keys are {}", LastPart(name),
                              keys.front(), fmt::join(keys, ", ")));
  }

  static std::string LastPart(const std::string& name) {
    const std::size_t dot = name.rfind('.');
    return dot == std::string::npos ? name : name.substr(dot + 1);
  }

  [[nodiscard]] bool IsGroup(const std::string& name) const {
    return std::ranges::any_of(
        schema_.specs(), [&](const OptionSpec& spec) { return spec.name.starts_with(name + "."); });
  }

  // The keys that may stand in the map of `prefix`, in the schema's order.
  [[nodiscard]] std::vector<std::string> KeysBelow(const std::string& prefix) const {
    std::vector<std::string> keys;
    const auto add = [&](std::string key) {
      if (std::ranges::count(keys, key) == 0) keys.push_back(std::move(key));
    };
    for (const OptionSpec& spec : schema_.specs()) {
      if (!spec.name.starts_with(prefix)) continue;
      add(spec.name.substr(prefix.size(), spec.name.find('.', prefix.size()) - prefix.size()));
    }
    if (prefix.empty()) std::ranges::for_each(rules_.other_keys, add);
    return keys;
  }

  [[nodiscard]] std::string UnknownCure(const std::string& prefix, const std::string& key) const {
    if (const OptionSpec* dotted = schema_.Find(prefix + key); dotted != nullptr) {
      const std::size_t dot = key.find('.');
      return fmt::format("write {}: {{{}: ...}}", key.substr(0, dot), key.substr(dot + 1));
    }
    const std::vector<std::string> keys = KeysBelow(prefix);
    if (const std::string nearest = NearestName(key, keys); !nearest.empty()) {
      return fmt::format("did you mean \"{}\"?", nearest);
    }
    for (const OptionSpec& spec : schema_.specs()) {
      if (LastPart(spec.name) == key) {
        return fmt::format("did you mean \"{}\"?", JoinPath(path_, spec.name));
      }
    }
    return keys.empty() ? "remove it; nothing may be set here"
                        : fmt::format("the keys here are {}", fmt::join(keys, ", "));
  }

  const OptionSchema& schema_;
  const std::string path_;
  const ReadRules& rules_;
  Problems& problems_;
  ReadOptions read_;
};

ConfigNode Scalar(std::string text, bool quoted) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kScalar;
  node.text = std::move(text);
  node.quoted = quoted;
  return node;
}

ConfigNode ValueNode(OptionType type, const OptionValue& value) {
  if (type != OptionType::kList) {
    return Scalar(ValueText(type, value), type == OptionType::kText || type == OptionType::kPath);
  }
  ConfigNode list;
  list.kind = ConfigNode::Kind::kList;
  for (const std::string& item : std::get<std::vector<std::string>>(value)) {
    list.items.push_back(Scalar(item, false));
  }
  return list;
}

}  // namespace

const ConfigNode& ReadOptions::Place(std::string_view name, const ConfigNode& otherwise) const {
  const auto found = places.find(name);
  return found == places.end() ? otherwise : *found->second;
}

ReadOptions ReadAgainst(const OptionSchema& schema, const ConfigNode* map, const ConfigNode& owner,
                        const std::string& path, const ReadRules& rules, Problems& problems) {
  Reader reader(schema, path, rules, problems);
  if (map != nullptr && map->kind != ConfigNode::Kind::kMap) {
    problems.Add(*map, path, fmt::format("{} where keys belong", KindName(map->kind)),
                 "write `name: value` lines below it, or remove it");
    return reader.Take();
  }
  if (map != nullptr) reader.ReadMap(*map, "");
  reader.CheckRequired(map != nullptr ? *map : owner);
  return reader.Take();
}

ConfigNode OptionsNode(const OptionSchema& schema, const Options& options) {
  ConfigNode root;
  root.kind = ConfigNode::Kind::kMap;
  for (const OptionSpec& spec : schema.specs()) {
    const OptionValue* value = options.Find(spec.name);
    if (value == nullptr) continue;
    ConfigNode* map = &root;
    std::string_view rest = spec.name;
    for (std::size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
      const std::string_view group = rest.substr(0, dot);
      ConfigNode* below = map->Find(group);
      if (below == nullptr) {
        ConfigNode made;
        made.kind = ConfigNode::Kind::kMap;
        map->entries.push_back({Scalar(std::string(group), false), std::move(made)});
        below = &map->entries.back().value;
      }
      map = below;
      rest = rest.substr(dot + 1);
    }
    map->entries.push_back({Scalar(std::string(rest), false), ValueNode(spec.type, *value)});
  }
  return root;
}

}  // namespace millrace
