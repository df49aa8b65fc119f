#include "cli/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/exit_status.h"
#include "cli/progress.h"
#include "common/base/json_text.h"

namespace millrace::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kReasonsShown = 3;

// The same JSON with each escaped byte ("\udcNN", common/base/json_text.h) as "?": the parser
// refuses lone surrogates, and nothing read here is a file name.
std::string WithoutEscapedBytes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 >= text.size()) {
      out += text[i];
    } else if (text.substr(i + 1, 3) == "udc") {
      out += '?';
      i += 5;
    } else {
      out += text.substr(i++, 2);
    }
  }
  return out;
}

// {"a": 2, "b": 1} as "2 a, 1 b", the commonest first.
std::string Counts(const json& counts) {
  std::vector<std::pair<std::int64_t, std::string>> sorted;
  for (const auto& [name, count] : counts.items()) {
    if (count.is_number_integer()) sorted.emplace_back(-count.get<std::int64_t>(), name);
  }
  std::sort(sorted.begin(), sorted.end());
  std::string text;
  for (const auto& [count, name] : sorted) {
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}", Grouped(-count), name);
  }
  return text;
}

std::int64_t Number(const json& report, const char* name) {
  const auto found = report.find(name);
  return found != report.end() && found->is_number() ? found->get<std::int64_t>() : 0;
}

double Seconds(const json& report, const char* name) {
  const auto found = report.find(name);
  return found != report.end() && found->is_number() ? found->get<double>() : 0;
}

std::string SpeedLine(const json& report) {
  std::string line = fmt::format("{:.1f} s", Seconds(report, "elapsed_s"));
  if (const double startup = Seconds(report, "startup_s"); startup > 0) {
    line += fmt::format(" (and {:.1f} s to start)", startup);
  }
  line += fmt::format(", {:.1f} images/s", Seconds(report, "images_per_s"));
  const std::string limiting = report.value("limiting_stage", "");
  if (limiting.empty()) return line;
  line += ", limited by " + limiting;
  const json busy = report.value(json::json_pointer("/stages/" + limiting + "/busy"), json());
  if (busy.is_number()) line += fmt::format(" ({:.0f} % busy)", busy.get<double>() * 100);
  return line;
}

}  // namespace

Result<std::vector<FailureReason>> TallyFailures(const std::string& output) {
  std::ifstream file(output + "/.millrace/failed.jsonl");
  std::map<std::string, FailureReason> by_code;
  for (std::string line; std::getline(file, line);) {
    const auto code = JsonTextMember(line, "code");
    if (!code) return Fail(code.error().WithContext(output + "/.millrace/failed.jsonl"));
    FailureReason& reason = by_code[*code];
    reason.code = *code;
    if (reason.items++ == 0) {
      reason.example = JsonTextMember(line, "path").value_or("") + ": " +
                       JsonTextMember(line, "reason").value_or("");
    }
  }
  std::vector<FailureReason> reasons;
  for (auto& [code, reason] : by_code) reasons.push_back(std::move(reason));
  std::stable_sort(
      reasons.begin(), reasons.end(),
      [](const FailureReason& a, const FailureReason& b) { return a.items > b.items; });
  return reasons;
}

Result<std::vector<std::string>> DescribeReport(std::string_view report_json,
                                                const std::string& output,
                                                const std::vector<FailureReason>& reasons) {
  const json report = json::parse(WithoutEscapedBytes(report_json), nullptr, false);
  if (!report.is_object()) {
    return Fail(ErrorCode::kInternal, "the broker's report is no JSON object");
  }
  std::vector<std::string> lines;
  std::string counts =
      fmt::format("{} scanned: {} ok, {} failed, {} skipped", Grouped(Number(report, "scanned")),
                  Grouped(Number(report, "ok")), Grouped(Number(report, "failed")),
                  Grouped(Number(report, "skipped")));
  if (const std::string by = Counts(report.value("skipped_by", json::object())); !by.empty()) {
    counts += fmt::format(" ({})", by);
  }
  if (const auto unfinished = Number(report, "unfinished"); unfinished > 0) {
    counts += fmt::format(", {} unfinished", Grouped(unfinished));
  }
  lines.push_back(std::move(counts));
  if (const auto resumed = Number(report, "resumed"); resumed > 0) {
    lines.push_back(fmt::format("  {} of them were done before", Grouped(resumed)));
  }
  if (!report.value("scan_complete", true)) {
    lines.emplace_back("  the scan did not end: there may be more files");
  }
  lines.push_back("  " + SpeedLine(report));
  if (const std::string by = Counts(report.value("warnings", json::object())); !by.empty()) {
    lines.push_back("  warnings: " + by);
  }
  for (std::size_t i = 0; i < std::min(reasons.size(), kReasonsShown); ++i) {
    lines.push_back(fmt::format("  {} {}, e.g. {}", Grouped(reasons[i].items), reasons[i].code,
                                reasons[i].example));
  }
  if (reasons.size() > kReasonsShown) {
    lines.push_back(fmt::format("  and {} more kinds of failure", reasons.size() - kReasonsShown));
  }
  if (output.empty()) return lines;
  lines.push_back("output:   " + output);
  lines.push_back("report:   " + output + "/.millrace/report.json");
  if (Number(report, "failed") > 0) {
    lines.push_back("failures: " + output + "/.millrace/failed.jsonl");
  }
  return lines;
}

std::vector<std::string> DescribeRun(const wire::RunStatus& run) {
  const auto reasons = TallyFailures(run.output);
  auto lines =
      DescribeReport(run.report, run.output, reasons.value_or(std::vector<FailureReason>{}));
  if (!lines) return {lines.error().message};
  return *std::move(lines);
}

Judgement JudgeRun(const wire::RunStatus& run, const Verdict& verdict) {
  if (run.state != "done") {
    return {kExitUnfinished, run.reason.empty() ? "the run did not finish" : run.reason};
  }
  const std::int64_t processed = run.ok + run.failed;
  if (processed == 0 && !verdict.allow_empty) {
    std::string why =
        fmt::format("no images in {} (--allow-empty makes that a success)", run.input);
    for (const char* reason : {"\"apple-double\"", "\"default-exclude\"", "\"run-output\""}) {
      if (run.report.find(reason) == std::string::npos) continue;
      why += "; what was left out by default is taken with --no-default-excludes";
      break;
    }
    return {kExitUsage, why};
  }
  if (verdict.fail_on.ReachedBy(run.failed, processed)) {
    return {kExitFailures, fmt::format("{} of {} images failed (see --fail-on)",
                                       Grouped(run.failed), Grouped(processed))};
  }
  return {};
}

}  // namespace millrace::cli
