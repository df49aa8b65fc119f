// Paths that a peer names, as far as the protocol bounds them.
#pragma once

#include <string>
#include <string_view>

namespace millrace::wire {

// Of a result's `outputs`: a path below the run's output (IsPathBelow), and not in its folder
// .millrace, where the broker's own files lie.
bool IsOutputPath(std::string_view path);

// Why one is refused, for the text of a failure; what was given is cut.
std::string NoOutputPath(std::string_view given);
std::string NoKey(std::string_view given);

}  // namespace millrace::wire
