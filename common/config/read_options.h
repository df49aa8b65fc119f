// Reads a map of the configuration against a schema: a stage's options, and the keys of the file
// itself, by the same rules and with the same messages.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/node.h"
#include "common/config/options.h"

namespace millrace {

struct ReadOptions {
  Options options;  // the schema's defaults, and over them what was given and is right
  // Where each given option was written, for problems that concern several of them.
  std::map<std::string, const ConfigNode*, std::less<>> places;

  // The place of an option, or of the nearest thing to it that was given.
  [[nodiscard]] const ConfigNode& Place(std::string_view name, const ConfigNode& otherwise) const;
};

struct ReadRules {
  std::vector<std::string> other_keys;  // of the map itself, read by the caller
  bool check_files = false;             // whether OptionSpec::must_exist is looked at
};

// `map` is the map as written, or nullptr where there is none (all defaults, and a problem at
// `owner` for each required option); `path` is its path in the file, for messages. Pointers are
// into `map`.
ReadOptions ReadAgainst(const OptionSchema& schema, const ConfigNode* map, const ConfigNode& owner,
                        const std::string& path, const ReadRules& rules, Problems& problems);

// The options as a map that ReadAgainst reads back to the same: defaults written out, paths
// absolute.
ConfigNode OptionsNode(const OptionSchema& schema, const Options& options);

}  // namespace millrace
