// Where this program lies: `millrace run` finds the broker and the stages beside itself.
#pragma once

#include <string>

#include "common/base/result.h"

namespace millrace {

// The folder of the running executable, absolute, links resolved, without a trailing slash.
Result<std::string> ExecutableDir();

}  // namespace millrace
