// Verdicts: read, written, merged and counted.
#include <doctest/doctest.h>

#include "cli/check/check_run.h"
#include "cli/check/check_summary.h"
#include "cli/check/file_verdict.h"
#include "cli/check/report_file.h"
#include "cli/check/verdict_list.h"
#include "tests/cli/temp_folder.h"

namespace millrace::cli {
namespace {

constexpr const char* kLine =
    R"({"path": "a\udcff.jpg", "code": "truncated", "detail": "it ends \"early\"", )"
    R"("format": "jpeg", "bytes": 4711, "mtime_ns": -5, "offset": 4000, "lost": 0.2500})";

FileVerdict Of(const std::string& code) {
  FileVerdict verdict;
  verdict.path = "a.jpg";
  verdict.code = code;
  return verdict;
}

// "path code" of every verdict of a run.
std::vector<std::string> Merged(const TempFolder& folder) {
  std::vector<std::string> merged;
  const auto passed =
      ForEachVerdictOfRun(folder.path(), "/photos", [&](const FileVerdict& verdict) {
        CHECK(verdict.input == "/photos");
        merged.push_back(verdict.path + ' ' + verdict.code);
        return Result<void>();
      });
  REQUIRE(passed);
  return merged;
}

TEST_CASE("a verdict is read with all that is known, and written as it was") {
  const auto verdict = ReadVerdict(kLine);
  REQUIRE(verdict);
  CHECK(verdict->path == "a\xff.jpg");
  CHECK(verdict->detail == "it ends \"early\"");
  CHECK(verdict->bytes == 4711);
  CHECK(verdict->mtime_ns == -5);
  CHECK(verdict->offset == 4000);
  CHECK(verdict->lost == doctest::Approx(0.25));
  CHECK(VerdictJson(*verdict, false) == kLine);
}

TEST_CASE("a report is read that another program has saved as UTF-16, or with a mark") {
  const TempFolder folder;
  const std::string line = R"({"path": "a.jpg", "input": "/photos", "code": "ok"})";
  std::string wide = "\xff\xfe";
  for (const char c : line + "\r\n" + line + "\r\n") wide += {c, '\0'};
  for (const std::string& bytes : {"\xef\xbb\xbf" + line + '\n' + line, wide}) {
    std::ofstream(folder / "report", std::ios::binary) << bytes;
    int verdicts = 0;
    REQUIRE(ForEachVerdictOfReport(folder / "report", [&](const FileVerdict& verdict) {
      CHECK(verdict.path == "a.jpg");
      ++verdicts;
      return Result<void>();
    }));
    CHECK(verdicts == 2);
  }
}

TEST_CASE("the folder stands in a verdict where it is asked for") {
  FileVerdict verdict = Of("ok");
  verdict.input = "/photos";
  CHECK(VerdictJson(verdict, true) == R"({"path": "a.jpg", "input": "/photos", "code": "ok"})");
  CHECK(VerdictJson(verdict, false) == R"({"path": "a.jpg", "code": "ok"})");
}

TEST_CASE("a failure's reason is its detail, and an empty file has no bytes") {
  const auto verdict = ReadVerdict(
      R"({"path":"a.jpg","stage":"scan","code":"empty","reason":"no bytes","attempts":1})");
  REQUIRE(verdict);
  CHECK(verdict->detail == "no bytes");
  CHECK(verdict->bytes == 0);
}

TEST_CASE("what is no verdict is refused") {
  for (const char* line : {"", "[]", R"({"path": "a"})", R"({"code": "ok"})", R"({"path": "a)"}) {
    CHECK_MESSAGE(!ReadVerdict(line), line);
  }
}

TEST_CASE("only lost pixels are lost pixels") {
  for (const char* code : {"truncated", "corrupt", "bad-crc", "empty"}) {
    CHECK_MESSAGE(KindOf(code) == VerdictKind::kPixelsLost, code);
    CHECK(ActRule().Allows(code));
    CHECK(CountsAsBroken(code, false));
  }
  for (const char* code : {"trailing-data", "extension-mismatch", "bad-metadata"}) {
    CHECK_MESSAGE(KindOf(code) == VerdictKind::kHarmless, code);
  }
  for (const char* code : {"unreadable", "too-large", "timeout", "worker-died", "lost-worker",
                           "of a later version", ""}) {
    CHECK_MESSAGE(KindOf(code) == VerdictKind::kNoVerdict, code);
    CHECK_FALSE(ActRule({"not-an-image"}).Allows(code));
    CHECK(CountsAsBroken(code, false));
  }
  CHECK(KindOf("ok") == VerdictKind::kOk);
}

TEST_CASE("what is no proof of damage is told of, and counts as broken at strict alone") {
  for (const char* code : {"suspicious", "unsupported-format", "preview-only"}) {
    CAPTURE(code);
    CHECK_FALSE(ActRule({"not-an-image"}).Allows(code));
    CHECK_FALSE(CountsAsBroken(code, false));
    CHECK(CountsAsBroken(code, true));
  }
  CHECK_FALSE(CountsAsBroken("ok", true));
}

TEST_CASE("what is no picture counts as broken, and is acted on where somebody asks for that") {
  CHECK(CountsAsBroken("not-an-image", false));
  CHECK_FALSE(ActRule().Allows("not-an-image"));
  CHECK(ActRule({"not-an-image"}).Allows("not-an-image"));
}

TEST_CASE("verdicts and failures become one list, sorted by the bytes of the paths") {
  const TempFolder folder;
  folder.Write(".millrace/verdicts.jsonl",
               R"({"path": "a!.jpg", "code": "ok"})"
               "\n"
               R"({"path": "a/b.jpg", "code": "corrupt", "detail": "bad"})"
               "\n"
               R"({"path": "\udcff.jpg", "code": "ok"})"
               "\n");
  folder.Write(".millrace/failed.jsonl",
               R"({"path": "a/b.jpg", "code": "timeout", "reason": "the verdict counts"})"
               "\n"
               R"({"path": "a/c.jpg", "code": "empty", "reason": "no bytes"})"
               "\n"
               R"({"path": "é.jpg", "code": "worker-died", "reason": "it died"})"
               "\n");
  CHECK(Merged(folder) == std::vector<std::string>{"a!.jpg ok", "a/b.jpg corrupt", "a/c.jpg empty",
                                                   "é.jpg worker-died", "\xff.jpg ok"});
}

TEST_CASE("either list may be missing") {
  const TempFolder folder;
  CHECK(Merged(folder).empty());
  folder.Write(".millrace/failed.jsonl", R"({"path": "a.jpg", "code": "empty"})"
                                         "\n");
  CHECK(Merged(folder) == std::vector<std::string>{"a.jpg empty"});
}

TEST_CASE("a list that is not sorted is not merged") {
  const TempFolder folder;
  folder.Write(".millrace/verdicts.jsonl",
               "{\"path\": \"b\", \"code\": \"ok\"}\n{\"path\": \"a\", \"code\": \"ok\"}\n");
  CHECK_FALSE(ForEachVerdictOfRun(folder.path(), "/photos",
                                  [](const FileVerdict&) { return Result<void>(); }));
}

TEST_CASE("a report is read line by line, and what is none is refused by its line") {
  const TempFolder folder;
  const auto read = [](const std::string& report) {
    return ForEachVerdictOfReport(report, [](const FileVerdict&) { return Result<void>(); });
  };
  CHECK(read(folder.Write("good", R"({"path": "a", "input": "/p", "code": "ok"})"
                                  "\n")));
  const auto relative = read(folder.Write("relative", R"({"path": "a", "code": "ok"})"
                                                      "\n"));
  REQUIRE_FALSE(relative);
  CHECK(relative.error().code == ErrorCode::kUsage);
  CHECK(relative.error().message.find("line 1") != std::string::npos);
  CHECK(read(folder / "missing").error().code == ErrorCode::kNotFound);
  CHECK(read(folder.path()).error().code == ErrorCode::kUnreadable);
}

TEST_CASE("a report of a check that did not come to its end says so in its last line") {
  const TempFolder folder;
  const std::string verdict = R"({"path": "a", "input": "/p", "code": "ok"})";
  const std::string path = folder.Write("r", verdict + "\n" + IncompleteJson("why \"x\"") + "\n");
  int verdicts = 0;
  const auto count = [&](const FileVerdict&) {
    ++verdicts;
    return Result<void>();
  };
  bool complete = true;
  REQUIRE(ForEachVerdictOfReport(path, count, &complete));
  CHECK(verdicts == 1);
  CHECK(!complete);
  REQUIRE(ForEachVerdictOfReport(folder.Write("whole", verdict + "\n"), count, &complete));
  CHECK(complete);
  CHECK(IncompleteJson("why") == R"({"complete": false, "reason": "why"})");
}

TEST_CASE("a report appears when it is whole, and nothing is left of one that is not") {
  const TempFolder folder;
  const std::string path = folder.Write("r.jsonl", "the old one");
  {
    auto unfinished = ReportFile::Create(path);
    REQUIRE(unfinished);
    REQUIRE(unfinished->AddLine("{}"));
  }
  CHECK(ReadAll(path) == "the old one");
  auto report = ReportFile::Create(path);
  REQUIRE(report);
  REQUIRE(report->AddLine("{}"));
  REQUIRE(report->Publish());
  CHECK(ReadAll(path) == "{}\n");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
  CHECK(ReportFile::Create(folder.path()).error().code == ErrorCode::kUsage);
  CHECK(ReportFile::Create(folder / "none/r.jsonl").error().code == ErrorCode::kUsage);
}

TEST_CASE("the totals tell what was lost from what nobody could tell") {
  CheckSummary summary(/*strict=*/true);
  for (const char* code :
       {"ok", "ok", "truncated", "truncated", "empty", "timeout", "trailing-data"}) {
    summary.Add(Of(code));
  }
  CHECK(summary.ok() == 2);
  CHECK(summary.failed() == 5);
  CHECK(summary.actable(ActRule()) == 3);
  CHECK(summary.ActableByCode(ActRule()) == "2 truncated, 1 empty");
  const auto lines = summary.Lines(3, 0, std::chrono::milliseconds(1500));
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] ==
        "7 checked: 2 ok, 5 failed (2 truncated, 1 empty, 1 timeout, 1 trailing-data), 1 of them "
        "no_verdict");
  CHECK(lines[1] == "  1.5 s, 3 resumed: unchanged since before");
}

TEST_CASE("what is no failure at decode has columns of its own, and is one at strict") {
  for (const bool strict : {false, true}) {
    CheckSummary summary(strict);
    for (const char* code : {"ok", "corrupt", "suspicious", "preview-only", "suspicious"}) {
      summary.Add(Of(code));
    }
    CHECK(summary.failed() == (strict ? 4 : 1));
    CHECK(summary.noted() == (strict ? 0 : 3));
    CHECK(summary.Lines(0, 0, {})[0] ==
          (strict
               ? "5 checked: 1 ok, 4 failed (2 suspicious, 1 corrupt, 1 preview-only), 1 of them "
                 "no_verdict"
               : "5 checked: 1 ok, 1 failed (1 corrupt), 2 suspicious, 1 preview-only, 1 of them "
                 "no_verdict"));
  }
}

TEST_CASE("each INPUT and level has a folder of its own in the state") {
  const auto folder = [](const char* input, const char* level) {
    return CheckFolder("/state", input, level).value();
  };
  CHECK(folder("/a/photos", "open").starts_with("/state/check/photos-"));
  CHECK(folder("/a/photos", "open").ends_with("/open"));
  CHECK(folder("/a/photos", "open") != folder("/b/photos", "open"));
  CHECK(folder("/", "open").starts_with("/state/check/root-"));
}

TEST_CASE("a quarantine inside INPUT is left out of the check by a pattern") {
  const TempFolder folder;
  folder.Write("photos/bad [1]/x", "");
  const std::string photos = folder / "photos";
  CHECK(PatternFor(photos + "/bad [1]", photos) == "/bad \\[1\\]/");
  CHECK(PatternFor(folder.path(), photos).empty());
  CHECK(PatternFor(photos, photos).empty());
  CHECK(PatternFor(folder / "missing", photos).empty());
}

}  // namespace
}  // namespace millrace::cli
