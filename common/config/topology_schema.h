// The keys of the topology file itself, as schemas: what config/README.md documents, what the
// reader checks and what the writer writes are this one list.
#pragma once

#include "common/config/options.h"

namespace millrace {

OptionSchema TopologyKeys();   // of the file, without broker, parameters and stages
OptionSchema ParameterKeys();  // of each of `parameters`
OptionSchema BrokerKeys();     // of `broker`
OptionSchema StageKeys();      // of each of `stages`, without options

}  // namespace millrace
