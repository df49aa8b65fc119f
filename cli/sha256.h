// SHA-256 of a file's bytes.
#pragma once

#include <string>

#include "common/base/result.h"

namespace millrace::cli {

// Lower-case hexadecimal. kNotFound or kUnreadable where the file cannot be read.
Result<std::string> Sha256OfFile(const std::string& path);

}  // namespace millrace::cli
