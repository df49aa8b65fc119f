// Broker: the files and the report of a run.
#include <utility>

#include "broker/broker.h"
#include "broker/report.h"

namespace millrace {
namespace {

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

constexpr std::size_t kMaxEndedRuns = 1000;  // whose status is kept

}  // namespace

// A result that cannot be written down is a run that cannot be vouched for.
void Broker::Record(RunId run, const Result<void>& written) {
  if (written) return;
  RunFiles& files = runs_.at(run);
  if (files.trouble.empty()) {
    files.trouble = written.error().message;
    log_->error("run {}: {}", run.value(), files.trouble);
    queue_.StopRun(run, RunResult::kFailed, files.trouble, clock_.Now());
  }
}

void Broker::TakeBaselines() {
  const Instant now = clock_.Now();
  for (auto& [id, files] : runs_) {
    if (files.has_baseline || files.final_status) continue;
    const Run* run = queue_.FindRun(id);
    if (run == nullptr || !run->first_found) continue;
    for (StageIndex stage = 0; stage < topology_.stages.size(); ++stage) {
      files.baseline.push_back(queue_.Totals(stage, now));
    }
    files.has_baseline = true;
  }
}

RunReport Broker::ReportOf(const Run& run, const RunFiles& files) const {
  RunReport report;
  report.topology = topology_.name;
  report.input = files.spec.input;
  report.output = files.spec.output;
  report.run = run.id;
  report.result = run.result;
  report.reason = run.reason;
  report.counts = run.counts;
  report.scan_complete = run.scan_complete;
  if (run.first_found) {
    report.startup_s = Seconds(*run.first_found - run.submitted);
    report.elapsed_s = Seconds(run.last_ended - *run.first_found);
  }
  const Instant now = clock_.Now();
  for (StageIndex stage = 0; stage < topology_.stages.size(); ++stage) {
    StageReport entry;
    entry.name = topology_.stages[stage].name;
    for (const auto& [id, worker] : queue_.workers()) entry.workers += worker.stage == stage;
    if (files.has_baseline) {
      const JobQueue::StageTotals totals = queue_.Totals(stage, now);
      const double present = Seconds(totals.present - files.baseline[stage].present);
      const double busy = Seconds(totals.busy - files.baseline[stage].busy);
      entry.busy = present > 0 ? busy / present : 0;
    }
    report.stages.push_back(std::move(entry));
  }
  return report;
}

void Broker::CloseRun(RunId id) {
  RunFiles& files = runs_.at(id);
  const Run& run = *queue_.FindRun(id);
  RunReport report = ReportOf(run, files);
  if (const Result<void> closed = files.ledger->Close(report); !closed) {
    log_->error("run {}: {}", id.value(), closed.error().message);
    report.result = RunResult::kFailed;
    if (report.reason.empty()) report.reason = closed.error().message;
  }
  wire::RunStatus status = StatusOf(id, files);
  status.state = ResultName(report.result);
  status.reason = report.reason;
  status.report = ReportJson(report);
  files.final_status = std::move(status);
  files.ledger.reset();  // lets go of OUTPUT
  queue_.DropRun(id);
  log_->info("run {} {}: {} scanned = {} ok + {} failed + {} skipped{}", id.value(),
             files.final_status->state, report.counts.scanned, report.counts.ok,
             report.counts.failed, report.counts.skipped,
             report.reason.empty() ? "" : " (" + report.reason + ")");
  AnswerWaiters(id);
  if (runs_.size() > kMaxEndedRuns) {
    for (auto it = runs_.begin(); it != runs_.end(); ++it) {
      if (!it->second.final_status) continue;
      runs_.erase(it);
      break;
    }
  }
}

void Broker::AnswerWaiters(RunId id) {
  const wire::RunStatus& status = *runs_.at(id).final_status;
  for (const Waiter& waiter : waiters_) {
    if (waiter.run == id) Reply(waiter.identity, waiter.request, wire::StatusReply{{status}, {}});
  }
  std::erase_if(waiters_, [&](const Waiter& waiter) { return waiter.run == id; });
}

}  // namespace millrace
