// Writes a topology as a file in which nothing is left to be resolved.
#pragma once

#include <string>

#include "common/config/topology.h"

namespace millrace {

// YAML that LoadTopology reads back to an equal topology (but for `file`, and for replicas_auto:
// the number is written), from any folder, in any environment.
std::string DumpTopology(const Topology& topology);

}  // namespace millrace
