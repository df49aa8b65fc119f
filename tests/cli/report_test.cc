#include "cli/report.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "cli/exit_status.h"
#include "tests/cli/temp_folder.h"

namespace millrace::cli {
namespace {

constexpr const char* kReport = R"({
  "version": 1, "run": 1, "scanned": 1050, "ok": 998, "failed": 50, "skipped": 2,
  "skipped_by": {"not-an-image": 1, "special-file": 1}, "resumed": 0,
  "warnings": {"truncated": 10}, "scan_complete": true, "startup_s": 0.84, "elapsed_s": 12.5,
  "images_per_s": 83.84, "stages": {"inference": {"busy": 0.97}}, "limiting_stage": "inference"})";

bool HasLine(const std::vector<std::string>& lines, const std::string& line) {
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

wire::RunStatus Ended(std::int64_t ok, std::int64_t failed) {
  wire::RunStatus run;
  run.state = "done";
  run.input = "/photos";
  run.ok = ok;
  run.failed = failed;
  return run;
}

TEST_CASE("a report is told in a few lines") {
  const auto lines = DescribeReport(kReport, "/out",
                                    {{.code = "empty", .items = 30, .example = "a.jpg: no bytes"}});
  REQUIRE(lines);
  CHECK(HasLine(*lines,
                "1,050 scanned: 998 ok, 50 failed, 2 skipped (1 not-an-image, 1 special-file)"));
  CHECK(HasLine(*lines,
                "  12.5 s (and 0.8 s to start), 83.8 images/s, limited by inference (97 % busy)"));
  CHECK(HasLine(*lines, "  warnings: 10 truncated"));
  CHECK(HasLine(*lines, "  30 empty, e.g. a.jpg: no bytes"));
  CHECK(HasLine(*lines, "output:   /out"));
  CHECK(HasLine(*lines, "failures: /out/.millrace/failed.jsonl"));
}

TEST_CASE("a report says how much of it was done before") {
  const auto lines = DescribeReport(R"({"scanned": 1050, "ok": 1050, "resumed": 1000})", "", {});
  REQUIRE(lines);
  CHECK(HasLine(*lines, "  1,000 of them were done before"));
  CHECK_FALSE(HasLine(DescribeReport(kReport, "", {}).value(), "  0 of them were done before"));
}

TEST_CASE("a report that was written early says what is missing") {
  const auto lines = DescribeReport(
      R"({"scanned": 10, "ok": 4, "failed": 0, "skipped": 0, "unfinished": 6, "scan_complete": false})",
      "/out", {});
  REQUIRE(lines);
  CHECK(HasLine(*lines, "10 scanned: 4 ok, 0 failed, 0 skipped, 6 unfinished"));
  CHECK(HasLine(*lines, "  the scan did not end: there may be more files"));
}

TEST_CASE("a report that names a folder that is not UTF-8 can be read") {
  CHECK(DescribeReport(R"({"input": "/a\\udcff\udcff/b", "scanned": 1})", "/out", {}));
}

TEST_CASE("what is no report is refused") {
  CHECK_FALSE(DescribeReport("", "/out", {}));
  CHECK_FALSE(DescribeReport("[1, 2]", "/out", {}));
}

TEST_CASE("failures are counted by code, the commonest first") {
  const TempFolder folder;
  folder.Write(
      ".millrace/failed.jsonl",
      R"({"path":"a.jpg","stage":"scan","code":"empty","reason":"no bytes","attempts":1})"
      "\n"
      R"({"path":"b\udcff.jpg","stage":"preprocess","code":"corrupt","reason":"bad","attempts":1})"
      "\n"
      R"({"path":"c.jpg","stage":"preprocess","code":"corrupt","reason":"worse","attempts":1})"
      "\n");
  const auto reasons = TallyFailures(folder.path());
  REQUIRE(reasons);
  REQUIRE(reasons->size() == 2);
  CHECK((*reasons)[0].code == "corrupt");
  CHECK((*reasons)[0].items == 2);
  CHECK((*reasons)[0].example == "b\xff.jpg: bad");  // a name that is not UTF-8 comes back as it is
  CHECK((*reasons)[1].code == "empty");
}

TEST_CASE("a run without failed.jsonl has no failures") {
  const TempFolder folder;
  CHECK(TallyFailures(folder.path())->empty());
}

TEST_CASE("the exit status says what the failures mean to the person") {
  CHECK(JudgeRun(Ended(10, 0), {}).exit_status == kExitDone);
  CHECK(JudgeRun(Ended(10, 1), {}).exit_status == kExitFailures);
  CHECK(JudgeRun(Ended(10, 1), {.fail_on = {.count = 2}}).exit_status == kExitDone);
  CHECK(JudgeRun(Ended(99, 1), {.fail_on = {.share = 0.01}}).exit_status == kExitFailures);
  CHECK(JudgeRun(Ended(0, 5), {.fail_on = {}}).exit_status == kExitDone);
}

TEST_CASE("a folder without images is a mistake unless it may be empty") {
  const Judgement judgement = JudgeRun(Ended(0, 0), {});
  CHECK(judgement.exit_status == kExitUsage);
  CHECK(judgement.why.find("/photos") != std::string::npos);
  CHECK(JudgeRun(Ended(0, 0), {.allow_empty = true}).exit_status == kExitDone);
}

TEST_CASE("a run that ended early exits 3 with its reason") {
  wire::RunStatus run = Ended(10, 0);
  run.state = "stopped";
  run.reason = "20 items failed";
  const Judgement judgement = JudgeRun(run, {});
  CHECK(judgement.exit_status == kExitUnfinished);
  CHECK(judgement.why == "20 items failed");
}

}  // namespace
}  // namespace millrace::cli
