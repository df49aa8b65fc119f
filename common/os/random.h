// Random bytes from the kernel: for nonces and epochs, never for a simulation (which has a seed).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/base/result.h"

namespace millrace {

Result<std::string> RandomBytes(std::size_t count);

// Never 0.
Result<std::uint64_t> RandomId();

}  // namespace millrace
