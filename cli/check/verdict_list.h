// Verdicts one after the other, from files of any size: what a run has left in its OUTPUT, or a
// report that was saved.
#pragma once

#include <fstream>
#include <functional>
#include <optional>
#include <string>

#include "cli/check/file_verdict.h"
#include "common/base/result.h"

namespace millrace::cli {

using VerdictHandler = std::function<Result<void>(const FileVerdict& verdict)>;

// The verdicts of a run of config/check.yaml over `input`, in the order of the bytes of their
// paths: OUTPUT/.millrace/verdicts.jsonl, and what failed before or beside the judging, from
// failed.jsonl. An item of both is told once, as in verdicts.jsonl. A missing file is an empty one.
// Stops at an error of `take`; kUnreadable or kProtocol for files that are no such lists.
Result<void> ForEachVerdictOfRun(const std::string& output, const std::string& input,
                                 const VerdictHandler& take);

// The verdicts of a report, in its order. kNotFound or kUnreadable where it cannot be read, kUsage,
// naming the line, where it is no report of `millrace check --report`. `complete`, where it is
// given: whether that check came to its end.
Result<void> ForEachVerdictOfReport(const std::string& report, const VerdictHandler& take,
                                    bool* complete = nullptr);

}  // namespace millrace::cli
