// A topology file's bytes.
#pragma once

#include <string>

#include "common/base/result.h"
#include "common/config/problem.h"

namespace millrace {

struct FileProblem {
  ErrorCode code = ErrorCode::kUnreadable;  // or kNotFound, kUsage
  Problem problem;
};

// At most kMaxTopologyFile bytes: a longer file, a folder, and one that cannot be read are a
// problem, with the nearest name in the same folder where there is no such file.
tl::expected<std::string, FileProblem> ReadTopologyFile(const std::string& path);

}  // namespace millrace
