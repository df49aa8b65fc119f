// A report that appears under its name whole or not at all, in a folder that is the person's: all
// that ever stands beside it is the file being written.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace millrace::cli {

class ReportFile {
 public:
  // Where FILE is to appear; makes the unfinished file beside it. kUsage where something other than
  // a file has the name or there is no such folder, kWriteFailed where it cannot be written.
  static Result<ReportFile> Create(const std::string& path);

  ReportFile(ReportFile&&) = default;
  ReportFile& operator=(ReportFile&&) = default;
  // Takes the unfinished file away again, unless it was published.
  ~ReportFile();

  Result<void> AddLine(std::string_view line);
  // Replaces what had the name. Once only.
  Result<void> Publish();

 private:
  ReportFile() = default;
  [[nodiscard]] Error Cannot(const char* what, int error_number) const;

  std::string path_;
  std::string unfinished_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{nullptr, &std::fclose};
};

}  // namespace millrace::cli
