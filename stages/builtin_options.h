// The options of the stages that come with millrace, for programs that read a topology without
// being one of its stages: `millrace run`, `millrace validate`. No LibTorch, no OpenCV.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/load.h"
#include "common/config/options.h"

namespace millrace {

// The schema of "scanner", "preprocess", "inference", "postprocess" or "inspect"; nullptr for any
// other executable, which is its owner's. What is pointed to lives as long as the program.
const OptionSchema* BuiltinSchema(std::string_view executable);

// The names that BuiltinSchema knows.
std::vector<std::string> BuiltinExecutables();

// What their schemas cannot say (LoadContext::check_options): weights that a model needs and that
// are not given or not there, options of two stages that do not fit. Looks at files of this
// machine.
std::vector<OptionProblem> CheckBuiltinOptions(const Topology& topology);

}  // namespace millrace
