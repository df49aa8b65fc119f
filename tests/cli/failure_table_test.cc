#include "cli/failure_table.h"

#include <doctest/doctest.h>

#include <vector>

#include "cli/failure_filter.h"

namespace millrace::cli {
namespace {

const std::vector<Failure> kFailures = {
    {"2019/a.jpg", "preprocess", "corrupt", "libjpeg: Unsupported marker type 0x05"},
    {"a/very/long/path/down/below/that/ends/in/this.jpg", "scan", "empty", "no bytes"},
    {"2020/写真.jpg", "scan", "empty", "no bytes"},
};

FailureTable TableOf(std::optional<int> columns) {
  FailureTable table(columns);
  for (const Failure& failure : kFailures) table.Measure(failure);
  return table;
}

TEST_CASE("on a terminal that is wide enough, nothing is cut and columns are as wide as needed") {
  const FailureTable table = TableOf(200);
  const std::string pad(49 - 10, ' ');
  CHECK(table.Header() == "PATH" + std::string(45, ' ') + "  STAGE       CODE     REASON");
  CHECK(table.Row(kFailures[0]) ==
        "2019/a.jpg" + pad + "  preprocess  corrupt  libjpeg: Unsupported marker type 0x05");
}

TEST_CASE("on a narrow terminal a path keeps its end, a reason its beginning") {
  const FailureTable table = TableOf(72);  // 48 for both
  CHECK(table.Row(kFailures[0]) ==
        "2019/a.jpg                preprocess  corrupt  libjpeg: Unsupported ma…");
  CHECK(table.Row(kFailures[1]) == "…w/that/ends/in/this.jpg  scan        empty    no bytes");
}

TEST_CASE("no row is wider than the terminal, but for a very narrow one") {
  for (int columns = 45; columns < 200; ++columns) {
    CAPTURE(columns);
    const FailureTable table = TableOf(columns);
    for (const Failure& failure : kFailures) CHECK(DisplayWidth(table.Row(failure)) < columns);
  }
}

TEST_CASE("columns line up below names whose characters are two columns wide") {
  const FailureTable table = TableOf(200);
  const std::string row = table.Row(kFailures[2]);
  CHECK(DisplayWidth(row.substr(0, row.find("scan"))) == 51);
}

TEST_CASE("in a file nothing is cut") {
  const FailureTable table = TableOf(std::nullopt);
  CHECK(table.Row(kFailures[1]) == kFailures[1].path + "  scan        empty    no bytes");
}

TEST_CASE("the total counts by code, the commonest first") {
  CHECK(TableOf(80).Total() == "3 failures: 2 empty, 1 corrupt");
  CHECK(FailureTable(80).Total() == "no failures");
  FailureTable one(80);
  one.Measure(kFailures[0]);
  CHECK(one.Total() == "1 failure: 1 corrupt");
}

TEST_CASE("a text is cut between characters") {
  CHECK(DisplayWidth("a\xcc\x88") == 1);  // a combining diaeresis
  CHECK(DisplayWidth("\xff\xc3") == 2);   // no UTF-8
  CHECK(KeepEnd("写真写真", 5) == "…写真");
  CHECK(KeepEnd("写真写真", 4) == "…真");  // half a character is none
  CHECK(KeepStart("写真写真", 4) == "写…");
  CHECK(KeepStart("abc", 3) == "abc");
  CHECK(KeepEnd("abcd", 3) == "…cd");
}

TEST_CASE("a line of failed.jsonl is read for the table without what would steer the terminal") {
  const Failure failure = ReadFailure(
      R"({"path": "a\u001b[2J\udcff", "stage": "scan", "code": "empty", "reason": "no bytes"})");
  CHECK(failure.path == "a?[2J\xff");
  CHECK(failure.code == "empty");
}

TEST_CASE("failures are chosen by stage and code") {
  const std::string line = R"({"path": "a", "stage": "scan", "code": "empty", "reason": ""})";
  CHECK(FailureFilter{}.Takes(line));
  CHECK(FailureFilter{.stage = "scan", .code = "empty"}.Takes(line));
  CHECK_FALSE(FailureFilter{.stage = "preprocess", .code = "empty"}.Takes(line));
  CHECK_FALSE(FailureFilter{.stage = "", .code = "corrupt"}.Takes(line));
}

}  // namespace
}  // namespace millrace::cli
