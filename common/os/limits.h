// Limits of the process.
#pragma once

#include <cstddef>

#include "common/base/result.h"

namespace millrace {

// Raises the number of files this process may have open to the hard limit, and returns what holds
// then. A broker needs about two descriptors a worker.
Result<std::size_t> RaiseOpenFiles();

}  // namespace millrace
