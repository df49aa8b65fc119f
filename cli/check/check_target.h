// What a check is to look at: a folder, a file, or several files, which are one run together.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/check/file_verdict.h"
#include "common/base/result.h"

namespace millrace::cli {

struct CheckTarget {
  std::string input;            // absolute: a folder, or a file
  std::set<std::string> files;  // only these, relative to `input`, a folder; empty: all of it

  // What the command line was asked about: "INPUT", or "FILE and 3 others".
  [[nodiscard]] std::string Name() const;
  // A verdict of the run over `input` as it is told: of several files each is relative to the
  // folder that it is in, as one file alone is. Nothing for a file that was not asked for.
  [[nodiscard]] std::optional<FileVerdict> AsAsked(FileVerdict verdict) const;
  // A list for the scanner, its entries ended by NUL. kWriteFailed.
  [[nodiscard]] Result<void> WriteList(const std::string& path) const;
};

// `inputs`: absolute paths, each once. Those that are files, where there are several, become one
// target in the place of the first.
std::vector<CheckTarget> TargetsOf(const std::vector<std::string>& inputs);

}  // namespace millrace::cli
