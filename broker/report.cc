#include "broker/report.h"

#include <cmath>
#include <cstdio>
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
    case RunResult::kPaused:
      return "paused";
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
  status.report = ReportJson(report);
  return status;
}

std::string FailureJson(std::string_view path, std::string_view stage, std::string_view code,
                        std::string_view reason, int attempts) {
  return "{\"path\": " + Quoted(path) + ", \"stage\": " + Quoted(stage) +
         ", \"code\": " + Quoted(code) + ", \"reason\": " + Quoted(reason) +
         ", \"attempts\": " + std::to_string(attempts) + "}";
}

}  // namespace millrace
