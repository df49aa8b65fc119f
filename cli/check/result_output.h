// Where the verdicts of a check go: to stdout, for people or for programs, and into a report.
#pragma once

#include <optional>
#include <string>

#include "cli/check/file_verdict.h"
#include "cli/check/report_file.h"
#include "common/base/result.h"

namespace millrace::cli {

struct ResultOptions {
  std::string report;     // a file; "": none
  bool json = false;      // objects on stdout, not lines for people
  bool only_bad = false;  // no sound ones, neither there nor in the report
  bool stream = false;    // on stdout each as soon as it is known, in no order
};

// What stdout gets of a verdict, without a newline; nothing for one that is not printed.
std::optional<std::string> ResultLine(const ResultOptions& options, bool several,
                                      const FileVerdict& verdict);

class ResultOutput {
 public:
  // `several`: verdicts are of several INPUTs, and each says of which.
  static Result<ResultOutput> Open(const ResultOptions& options, bool several);

  // `printed`: stdout has it already.
  Result<void> Take(const FileVerdict& verdict, bool printed = false);
  // Once all were taken: the report appears. `incomplete`: why the check did not come to its end;
  // the report's last line says so.
  Result<void> Finish(const std::optional<std::string>& incomplete = std::nullopt);

 private:
  ResultOutput(const ResultOptions& options, bool several) : options_(options), several_(several) {}

  ResultOptions options_;
  bool several_;
  std::optional<ReportFile> report_;
};

}  // namespace millrace::cli
