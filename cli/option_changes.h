// Which options of a pipeline are not what they were.
#pragma once

#include <string>

#include "common/config/topology.h"

namespace millrace::cli {

// "preprocess.options.size.width was 512, is 256; ...": options of the stages that both have, as
// far as results depend on them; "" where there are none.
std::string DescribeOptionChanges(const Topology& before, const Topology& now);

}  // namespace millrace::cli
