// A report that appears under its name whole or not at all, in a folder that is the person's: all
// that ever stands beside it is the file being written.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "common/base/result.h"
#include "common/os/atomic_file.h"

namespace millrace::cli {

class ReportFile {
 public:
  // Where FILE is to appear; makes the unfinished file beside it. kUsage where something other than
  // a file has the name or there is no such folder, kWriteFailed where it cannot be written.
  static Result<ReportFile> Create(const std::string& path);

  Result<void> AddLine(std::string_view line);
  // Replaces what had the name. Once only.
  Result<void> Publish();

 private:
  explicit ReportFile(AtomicFile file) : file_(std::move(file)) {}

  AtomicFile file_;
};

}  // namespace millrace::cli
