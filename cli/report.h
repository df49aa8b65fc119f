// The end of a run, for people: report.json told in a few lines, and what it means for the exit
// status.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/failure_limit.h"
#include "common/base/result.h"
#include "common/wire/messages.h"

namespace millrace::cli {

// How often a code occurs among the failed items, and the first example of it.
struct FailureReason {
  std::string code;
  std::int64_t items = 0;
  std::string example;  // "a/b.jpg: no known image signature"
};

// Counts OUTPUT/.millrace/failed.jsonl by code, commonest first. A missing file is no failures.
Result<std::vector<FailureReason>> TallyFailures(const std::string& output);

// The lines of a report; `reasons` may be empty. kInternal where `report_json` is no report.
Result<std::vector<std::string>> DescribeReport(std::string_view report_json,
                                                const std::string& output,
                                                const std::vector<FailureReason>& reasons);

// The same for an ended run, with the reasons of its OUTPUT where that is to be read here.
std::vector<std::string> DescribeRun(const wire::RunStatus& run);

// What ended runs mean for the exit status: --fail-on and --allow-empty.
struct Verdict {
  FailureLimit fail_on{.count = 1};
  bool allow_empty = false;
};

// What an ended run (state "done", "stopped" or "failed") exits with, interruption aside, and why
// where that is no plain success ("" else).
struct Judgement {
  int exit_status = 0;
  std::string why;
};
Judgement JudgeRun(const wire::RunStatus& run, const Verdict& verdict);

}  // namespace millrace::cli
