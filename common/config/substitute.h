// ${VARIABLES} in the values of a configuration.
//
//   ${NAME}            the variable; a problem where it is not set
//   ${NAME:-default}   the default where it is not set or empty; it ends at the first }
//   $${                the two characters ${
//
// Done after parsing, in values only, never in keys: what a variable holds cannot change the file's
// structure. What comes out is `loose` (ConfigNode).
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/config/node.h"

namespace millrace {

using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// In every scalar of `node` that came from a file; a value of the command line has been through a
// shell already and stays as it is.
void Substitute(ConfigNode& node, const Environment& environment, Problems& problems);

}  // namespace millrace
