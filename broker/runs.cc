// Broker: the files and the report of a run.
#include <algorithm>
#include <utility>

#include "broker/broker.h"
#include "broker/report.h"

namespace millrace {
namespace {

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

constexpr std::size_t kMaxEndedRuns = 1000;  // whose status is kept

}  // namespace

Broker::RunFiles* Broker::LiveRunInto(const std::string& output) {
  for (auto& [id, files] : runs_) {
    if (!files.final_status && files.order.output == output) return &files;
  }
  return nullptr;
}

void Broker::Opened(const RunOpened& opened, std::shared_ptr<const void> folder,
                    State::StartAs how) {
  RunFiles files;
  files.order = opened.order;
  files.spec = {opened.run, opened.order.input, opened.order.output, opened.order.options};
  files.folder = std::move(folder);
  ports_.ClearFolder(opened.order.output);
  files.has_history = opened.has_history;
  files.start_as = how;
  runs_.insert_or_assign(opened.run, std::move(files));
  log_->info("run {}{}: {} to {}", opened.run.value(), opened.continued ? " goes on" : "",
             opened.order.input, opened.order.output);
  AddToQueue(opened.run);
  StartWhenKnown(opened.run);
}

void Broker::AddToQueue(RunId id) {
  const RunOrder& order = runs_.at(id).order;
  queue_.AddRun(id, {order.stop_at_failures, order.stop_at_share}, clock_.Now());
  // Asked for before, and opened only now.
  if (shutting_down_) {
    queue_.StopRun(id, shutdown_result_, "the broker was told to stop", clock_.Now());
  }
}

Result<std::shared_ptr<const void>> Broker::HoldItsFolder(const RunOrder& order) {
  ASSIGN_OR_RETURN(HeldFolder folder, ports_.HoldFolder(order.output, /*make=*/false));
  if (folder.id == order.folder) return std::move(folder.hold);
  return Fail(ErrorCode::kNotFound,
              order.output + " is another folder than the one that the run has written to");
}

Result<void> Broker::GoOn(RunFiles& files) {
  files.folder.reset();  // what is at its path now is to be held
  ASSIGN_OR_RETURN(files.folder, HoldItsFolder(files.order));
  Resume(files);
  return {};
}

void Broker::Resume(RunFiles& files) {
  const RunId id = files.spec.run;
  files.paused = files.pausing = files.resume_wanted = false;
  files.starting = files.has_baseline = false;
  files.baseline.clear();
  files.has_history = true;  // it may go on with other workers than it had
  files.start_as = State::StartAs::kRestored;
  Post(SetPhase{id, StoredPhase::kActive});
  AddToQueue(id);
  StartWhenKnown(id);
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
  report.done_at_start = run.done_at_start;
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

void Broker::OnRunEnded(RunId id) {
  const Run& run = *queue_.FindRun(id);
  if (run.result != RunResult::kPaused) return Close(id);
  RunFiles& files = runs_.at(id);
  files.last_status = StatusOf(id, files);
  files.last_status.state = "paused";
  files.paused = true;
  log_->info("run {} is paused: {}", id.value(), run.reason);
  queue_.DropRun(id);
  if (files.resume_wanted && !shutting_down_) Resume(files);
}

// The files are written by the state's thread, out of what is on disk.
void Broker::Close(RunId id) {
  RunFiles& files = runs_.at(id);
  files.last_status = StatusOf(id, files);
  files.closing = true;
  CloseRun close{ReportOf(*queue_.FindRun(id), files), files.order.prune, {}, UnixSeconds()};
  queue_.DropRun(id);
  Post(std::move(close), [this, id](Result<StateAnswer> answer) {
    if (!answer) return;
    RunFiles& ended = runs_.at(id);
    ended.final_status = std::get<wire::RunStatus>(std::move(*answer));
    ended.folder.reset();  // lets go of OUTPUT
    ended.ended.reset();   // its files tell
    const wire::RunStatus& status = *ended.final_status;
    log_->info("run {} {}: {} scanned = {} ok + {} failed + {} skipped{}", id.value(), status.state,
               status.scanned, status.ok, status.failed, status.skipped,
               status.reason.empty() ? "" : " (" + status.reason + ")");
    AnswerWaiters(id);
    ForgetOldRuns();
    for (KeptSubmit& kept : std::exchange(ended.kept, {})) {
      Requested(kept.identity, {kept.number, std::move(kept.submit)});
    }
    if (runs_.size() <= kMaxEndedRuns) return;
    const auto oldest = std::find_if(runs_.begin(), runs_.end(), [](const auto& entry) {
      return entry.second.final_status.has_value();
    });
    if (oldest != runs_.end()) runs_.erase(oldest);
  });
}

void Broker::AnswerWaiters(RunId id) {
  const wire::RunStatus& status = *runs_.at(id).final_status;
  for (const Waiter& waiter : waiters_) {
    if (waiter.run == id)
      Reply(waiter.identity, waiter.request, wire::StatusReply{{status}, {}, ""});
  }
  std::erase_if(waiters_, [&](const Waiter& waiter) { return waiter.run == id; });
}

}  // namespace millrace
