#include "broker/report.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <string_view>
#include <utility>

#include "common/base/json_text.h"

namespace millrace {
namespace {

std::string Quoted(std::string_view bytes) {
  std::string text = "\"";
  text += JsonEscapeBytes(bytes);
  text += '"';
  return text;
}

std::string Number(double value) {
  if (!std::isfinite(value)) value = 0;
  char text[40];
  std::snprintf(text, sizeof(text), "%.3f", value);
  return text;
}

// Members of a JSON object, one a line.
class ObjectText {
 public:
  explicit ObjectText(std::string indent) : indent_(std::move(indent)) {}
  ObjectText& Add(std::string_view name, std::string_view json) {
    text_ += text_.empty() ? "\n" : ",\n";
    text_ += indent_ + "  " + Quoted(name) + ": ";
    text_ += json;
    return *this;
  }
  [[nodiscard]] std::string Finish() const {
    return text_.empty() ? "{}" : "{" + text_ + "\n" + indent_ + "}";
  }

 private:
  std::string indent_;
  std::string text_;
};

std::string CountsJson(const std::map<std::string, std::int64_t>& counts) {
  ObjectText object("  ");
  for (const auto& [name, count] : counts) object.Add(name, std::to_string(count));
  return object.Finish();
}

std::string StagesJson(const std::vector<StageReport>& stages) {
  ObjectText object("  ");
  for (const StageReport& stage : stages) {
    object.Add(stage.name, "{\"workers\": " + std::to_string(stage.workers) +
                               ", \"busy\": " + Number(stage.busy) + "}");
  }
  return object.Finish();
}

}  // namespace

double RunReport::ImagesPerSecond() const {
  return elapsed_s > 0 ? static_cast<double>(counts.ok + counts.failed - done_at_start) / elapsed_s
                       : 0;
}

std::string RunReport::LimitingStage() const {
  const StageReport* busiest = nullptr;
  for (const StageReport& stage : stages) {
    if (stage.busy > 0 && (busiest == nullptr || stage.busy > busiest->busy)) busiest = &stage;
  }
  return busiest == nullptr ? "" : busiest->name;
}

std::string ResultName(RunResult result) {
  switch (result) {
    case RunResult::kDone:
      return "done";
    case RunResult::kStopped:
      return "stopped";
    case RunResult::kFailed:
      return "failed";
  }
  return "failed";
}

std::string ReportJson(const RunReport& report) {
  const RunCounts& counts = report.counts;
  ObjectText object("");
  object.Add("version", Quoted(MILLRACE_VERSION));
  object.Add("run", std::to_string(report.run.value()));
  object.Add("topology", Quoted(report.topology));
  object.Add("input", Quoted(report.input));
  object.Add("output", Quoted(report.output));
  object.Add("result", Quoted(ResultName(report.result)));
  if (!report.reason.empty()) object.Add("reason", Quoted(report.reason));
  object.Add("scanned", std::to_string(counts.scanned));
  object.Add("ok", std::to_string(counts.ok));
  object.Add("failed", std::to_string(counts.failed));
  object.Add("skipped", std::to_string(counts.skipped));
  if (counts.scanned != counts.ended()) {
    object.Add("unfinished", std::to_string(counts.scanned - counts.ended()));
  }
  if (counts.repeated > 0) object.Add("repeated", std::to_string(counts.repeated));
  object.Add("resumed", std::to_string(counts.resumed));
  if (!report.nothing_resumed.empty()) {
    object.Add("nothing_resumed", Quoted(report.nothing_resumed));
  }
  if (report.deleted > 0) object.Add("deleted", std::to_string(report.deleted));
  if (report.pruned > 0) object.Add("pruned", std::to_string(report.pruned));
  object.Add("failed_by", CountsJson(report.failed_by));
  object.Add("skipped_by", CountsJson(report.skipped_by));
  object.Add("warnings", CountsJson(report.warnings));
  object.Add("scan_complete", report.scan_complete ? "true" : "false");
  object.Add("startup_s", Number(report.startup_s));
  object.Add("elapsed_s", Number(report.elapsed_s));
  object.Add("images_per_s", Number(report.ImagesPerSecond()));
  object.Add("stages", StagesJson(report.stages));
  object.Add("limiting_stage", Quoted(report.LimitingStage()));
  return object.Finish() + "\n";
}

wire::RunStatus FinalStatus(const RunReport& report) {
  wire::RunStatus status;
  status.run = report.run;
  status.input = report.input;
  status.output = report.output;
  status.state = ResultName(report.result);
  status.scanned = report.counts.scanned;
  status.ok = report.counts.ok;
  status.failed = report.counts.failed;
  status.skipped = report.counts.skipped;
  status.resumed = report.counts.resumed;
  status.scan_complete = report.scan_complete;
  status.elapsed_s = report.elapsed_s;
  status.reason = report.reason;
  status.remark = report.nothing_resumed;
  status.report = ReportJson(report);
  return status;
}

void TakeSummary(const RunSummary& summary, const std::vector<std::string>& stages,
                 RunReport& report) {
  const RunCounts counted = report.counts;
  report.counts = summary.counts;
  report.counts.resumed = counted.resumed;
  report.skipped_by = summary.skipped_by;
  report.failed_by = summary.counts.failed_by;
  report.warnings = summary.warnings;
  report.deleted = summary.deleted;
  if (summary.nothing_counts) {
    report.nothing_resumed = NothingResumedText(*summary.nothing_counts, stages, report.input);
  }
  const RunCounts& recorded = report.counts;
  const bool agree = counted.scanned == recorded.scanned && counted.ok == recorded.ok &&
                     counted.failed == recorded.failed && counted.skipped == recorded.skipped;
  if (agree && (report.result != RunResult::kDone || summary.open == 0)) return;
  report.result = RunResult::kFailed;
  report.reason = "the state does not agree with what was done (" +
                  std::to_string(recorded.ended()) + " outcomes of " +
                  std::to_string(recorded.scanned) + " items are recorded, " +
                  std::to_string(counted.ended()) + " of " + std::to_string(counted.scanned) +
                  " were counted): please report this; the same command does what is missing";
}

std::string NothingResumedText(const NothingCounts& nothing,
                               const std::vector<std::string>& stage_names,
                               std::string_view input) {
  std::string run = "an earlier run";
  if (nothing.run.valid()) {
    const auto submitted = static_cast<std::time_t>(nothing.submitted_s);
    std::tm parts{};
    gmtime_r(&submitted, &parts);
    std::array<char, 32> time{};
    std::strftime(time.data(), time.size(), "%Y-%m-%d %H:%M UTC", &parts);
    run = "run " + std::to_string(nothing.run.value()) + " of " + time.data();
  }
  std::string text = "none of the earlier results counts: ";
  switch (nothing.why) {
    case NothingCounts::Why::kStages: {
      std::string names;
      for (std::size_t at = 0; at < nothing.stages.size(); ++at) {
        if (at > 0) names += at + 1 == nothing.stages.size() ? " and " : ", ";
        const auto stage = static_cast<std::size_t>(nothing.stages[at]);
        names += stage < stage_names.size() ? stage_names[stage] : std::to_string(stage);
      }
      text += "the options or the model of ";
      text += nothing.stages.size() == 1 ? "stage " + names
              : names.empty()            ? "some stages"
                                         : "the stages " + names;
      return text + " are not those of " + run;
    }
    case NothingCounts::Why::kFiles:
      return text + "the files are not those that " + run +
             " saw, by their sizes and times of change (with --checksum: by their content)";
    case NothingCounts::Why::kOutputs:
      return text + "the outputs of " + run + " are not there any more as they were written";
    case NothingCounts::Why::kOtherFiles:
      text += "none of the files that " + run + " found";
      if (!nothing.input.empty() && nothing.input != input) text += " in " + nothing.input;
      return text + " is among those found now";
    case NothingCounts::Why::kNewFolder:
      return text + "OUTPUT is another folder than the one at its path that " + run + " wrote to";
  }
  return text;
}

std::string FailureJson(const ListedItem& item, const std::vector<std::string>& stages) {
  return "{\"path\": " + Quoted(item.key) +
         ", \"stage\": " + Quoted(item.stage < stages.size() ? stages[item.stage] : "") +
         ", \"code\": " + Quoted(item.code) + ", \"reason\": " + Quoted(item.text) +
         ", \"attempts\": " + std::to_string(item.attempts) + "}";
}

}  // namespace millrace
