// The options of the inspect stage; no decoder is linked, so that `validate` may use it.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/config/options.h"

namespace millrace {

OptionSchema InspectStageOptions();

// How many files under a folder may be read at once, by all inspect workers of one machine.
struct ReaderLimit {
  std::string root;  // absolute, without a slash at its end; "" for the root of all
  int readers = 1;
};

// What `readers` says, the longest root first. kUsage for what is not "FOLDER=COUNT".
Result<std::vector<ReaderLimit>> ReaderLimits(const Options& options);

}  // namespace millrace
