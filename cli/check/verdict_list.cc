#include "cli/check/verdict_list.h"

#include <fmt/format.h>

#include <filesystem>

#include "common/base/text_reader.h"

namespace millrace::cli {
namespace {

// The lines of one file, sorted by path.
class SortedLines {
 public:
  explicit SortedLines(std::string path) : path_(std::move(path)), file_(path_, std::ios::binary) {}

  // The next verdict; nothing at the end.
  Result<std::optional<FileVerdict>> Next() {
    std::string line;
    if (!std::getline(file_, line)) {
      if (file_.bad()) return Fail(ErrorCode::kUnreadable, "cannot read " + path_);
      return std::nullopt;
    }
    auto verdict = ReadVerdict(line);
    if (!verdict) return Fail(verdict.error().WithContext(path_));
    if (verdict->path < last_) {
      return Fail(ErrorCode::kProtocol, path_ + " is not sorted by path");
    }
    last_ = verdict->path;
    return *std::move(verdict);
  }

 private:
  const std::string path_;
  std::ifstream file_;
  std::string last_;
};

}  // namespace

Result<void> ForEachVerdictOfRun(const std::string& output, const std::string& input,
                                 const VerdictHandler& take) {
  SortedLines judged(output + "/.millrace/verdicts.jsonl");
  SortedLines failed(output + "/.millrace/failed.jsonl");
  ASSIGN_OR_RETURN(std::optional<FileVerdict> verdict, judged.Next());
  ASSIGN_OR_RETURN(std::optional<FileVerdict> failure, failed.Next());
  while (verdict || failure) {
    const bool same = verdict && failure && verdict->path == failure->path;
    const bool take_verdict = verdict && (!failure || verdict->path <= failure->path);
    FileVerdict& next = take_verdict ? *verdict : *failure;
    next.input = input;
    RETURN_IF_ERROR(take(next));
    if (same || !take_verdict) {
      ASSIGN_OR_RETURN(failure, failed.Next());
    }
    if (take_verdict) {
      ASSIGN_OR_RETURN(verdict, judged.Next());
    }
  }
  return {};
}

Result<void> ForEachVerdictOfReport(const std::string& report, const VerdictHandler& take,
                                    bool* complete) {
  if (complete != nullptr) *complete = true;
  std::error_code error;
  if (!std::filesystem::exists(report, error)) {
    return Fail(ErrorCode::kNotFound, "there is no report " + report);
  }
  if (std::filesystem::is_directory(report, error)) {
    return Fail(ErrorCode::kUnreadable, "cannot read the report " + report + ": it is a folder");
  }
  ASSIGN_OR_RETURN(TextReader file, TextReader::Open(report, "the report " + report));
  std::string line;
  for (int number = 1;; ++number) {
    ASSIGN_OR_RETURN(const bool more, ReadLine(file, line));
    if (!more) return {};
    if (IsIncompleteJson(line)) {
      if (complete != nullptr) *complete = false;
      continue;
    }
    const auto verdict = ReadVerdict(line);
    if (!verdict || !verdict->input.starts_with('/')) {
      return Fail(
          ErrorCode::kUsage,
          fmt::format("{}, line {}: this is not what `millrace check --report` writes{}", report,
                      number, verdict ? ": the folder (\"input\") is missing" : ""));
    }
    RETURN_IF_ERROR(take(*verdict));
  }
}

}  // namespace millrace::cli
