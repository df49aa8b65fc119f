// The parts of a topology, each read from its place in the tree. Used by LoadTopology alone.
#pragma once

#include <string>
#include <vector>

#include "common/config/load.h"
#include "common/config/node.h"
#include "common/config/topology.h"

namespace millrace {

// A topology's or a stage's name: [a-z0-9_-]+, at most 64 bytes. A problem at `at` where it is not.
bool CheckName(const std::string& name, const ConfigNode& at, const std::string& path,
               Problems& problems);

// `node` is `broker`'s value or nullptr; `relative_to` is where the default state folder lies.
BrokerConfig ReadBroker(const ConfigNode* node, const ConfigNode& root,
                        const std::string& relative_to, Problems& problems);

// The index-th of `stages`.
StageConfig ReadStage(const ConfigNode& node, std::size_t index, const LoadContext& context,
                      Problems& problems);

// `parameters`; what they set is not looked at.
std::vector<Parameter> ReadParameterMap(const ConfigNode& root,
                                        const std::vector<std::string>& reserved,
                                        Problems& problems);

// A problem for each parameter whose `sets` reaches nothing of the stages as read.
void CheckParameterTargets(const ConfigNode& root, const Topology& topology,
                           const LoadContext& context, Problems& problems);

}  // namespace millrace
