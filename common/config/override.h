// Values of the command line put into the tree of a file, before it is checked: a wrong one is then
// found by the same rules as one in the file.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/config/node.h"

namespace millrace {

// Sets `target`, "STAGE.KEY..." or "broker.KEY...", to `value`, making the maps on the way. A value
// in [ ] or { } is read as YAML, any other taken as it stands. A problem where the file has no such
// stage, or where the way leads through a value that is no map.
void Override(ConfigNode& root, std::string_view target, std::string_view value,
              const std::shared_ptr<const Origin>& origin, Problems& problems);

// "TARGET=VALUE" as given to --set.
void OverrideFromText(ConfigNode& root, std::string_view text, const std::string& relative_to,
                      Problems& problems);

// The names of the stages that have one.
std::vector<std::string> StageNames(const ConfigNode& root);

}  // namespace millrace
