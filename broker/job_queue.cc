#include "broker/job_queue.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace millrace {
namespace {

// " (12 corrupt, 5 empty)": the three commonest codes of what the run itself failed at. "" where
// none is known: after a broker's end only the number is.
std::string CommonestFailures(const RunCounts& counts) {
  std::vector<std::pair<std::int64_t, std::string>> by_count;
  for (const auto& [code, count] : counts.failed_by) {
    const auto resumed = counts.resumed_failed_by.find(code);
    const std::int64_t own =
        count - (resumed == counts.resumed_failed_by.end() ? 0 : resumed->second);
    if (own > 0) by_count.emplace_back(own, code);
  }
  std::sort(by_count.rbegin(), by_count.rend());
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(by_count.size(), 3); ++i) {
    text += (i == 0 ? " (" : ", ") + std::to_string(by_count[i].first) + " " + by_count[i].second;
  }
  return text.empty() ? "" : text + ")";
}

}  // namespace

JobQueue::JobQueue(std::vector<StageSettings> stages)
    : settings_(std::move(stages)), stages_(settings_.size()) {
  Check(!settings_.empty(), "a topology has stages");
}

void JobQueue::StartRun(RunId id, const StopRule& stop_rule, RunStart start, Instant now) {
  Check(!runs_.contains(id), "a run is started once");
  Run& run = runs_[id];
  run.id = id;
  run.stop_rule = stop_rule;
  run.stages.resize(settings_.size());
  run.last_ended = now;
  run.counts = std::move(start.counts);
  run.done_at_start = run.counts.ok + run.counts.failed;
  run.scan_ended = run.scan_complete = start.scan_ended;
  if (!start.open.empty()) run.first_found = now;
  AddItems(run, std::move(start.open));
  if (!run.scan_ended) AddScanJob(run, std::move(start.cursor));
  CheckRunEnd(run);
}

void JobQueue::AddItems(Run& run, std::vector<OpenItem> items) {
  for (OpenItem& item : items) {
    Job job;
    job.run = run.id;
    job.stage = 1;
    job.key = std::move(item.key);
    job.meta = std::move(item.meta);
    if (item.marks.stage == job.stage) {
      job.marks = item.marks;
    } else if (item.marks.stage > job.stage) {
      job.later = item.marks;
    }
    Enqueue(AddJob(std::move(job)), /*fresh=*/true);
  }
}

void JobQueue::Mark(const Job& job) {
  if (job.key.empty()) return;  // a scan goes on from its cursor
  ItemMarked marked{job.run, job.key, job.marks};
  marked.marks.stage = job.stage;
  actions_.emplace_back(std::move(marked));
}

void JobQueue::AddScanJob(Run& run, std::string cursor) {
  Job job;
  job.run = run.id;
  job.cursor = std::move(cursor);
  Job& added = AddJob(std::move(job));
  run.scan_job = added.id;
  Enqueue(added, /*fresh=*/true);
}

JobQueue::Job& JobQueue::AddJob(Job job) {
  job.id = JobId(next_job_++);
  job.bytes = kJobOverheadBytes + job.key.size() + job.cursor.size() + job.meta.size() +
              PayloadBytes(job.payload);
  StageState& stage = stages_[job.stage];
  RunInStage& share = runs_.at(job.run).stages[job.stage];
  stage.jobs += 1;
  stage.bytes += job.bytes;
  share.jobs += 1;
  share.bytes += job.bytes;
  const JobId id = job.id;
  return jobs_.emplace(id, std::move(job)).first->second;
}

void JobQueue::RemoveJob(JobId id) {
  const auto found = jobs_.find(id);
  Check(found != jobs_.end(), "a job is removed once");
  Job& job = found->second;
  SetState(job, JobState::kReady);
  ClearDeadline(job);
  StageState& stage = stages_[job.stage];
  RunInStage& share = runs_.at(job.run).stages[job.stage];
  Check(stage.jobs > 0 && stage.bytes >= job.bytes, "a stage counts the job that it has");
  Check(share.jobs > 0 && share.bytes >= job.bytes, "a run counts the job that it has");
  stage.jobs -= 1;
  stage.bytes -= job.bytes;
  share.jobs -= 1;
  share.bytes -= job.bytes;
  jobs_.erase(found);
}

void JobQueue::SetState(Job& job, JobState state) {
  const bool was = job.InFlight();
  job.state = state;
  const bool is = job.InFlight();
  if (was == is) return;
  StageState& stage = stages_[job.stage];
  RunInStage& share = runs_.at(job.run).stages[job.stage];
  Check(is || (stage.in_flight > 0 && share.in_flight > 0), "a job that was sent was counted");
  stage.in_flight += is ? 1 : -1;
  share.in_flight += is ? 1 : -1;
  if (!is) job.holder = IncarnationId();
}

void JobQueue::Enqueue(Job& job, bool fresh) {
  SetState(job, JobState::kReady);
  ClearDeadline(job);
  const FairQueue::Entry entry{job.id, ++job.ticket};
  StageState& stage = stages_[job.stage];
  if (job.marks.alone) {
    stage.alone.push_back(entry);
  } else if (fresh) {
    stage.ready.PushBack(job.run, entry);
  } else {
    stage.ready.PushFront(job.run, entry);
  }
}

void JobQueue::EndItem(Job& job, ItemOutcome outcome, std::string code, std::string text,
                       Instant now) {
  Run& run = runs_.at(job.run);
  if (job.id == run.scan_job) return EndScan(run, job, text);
  ItemEnded ended;
  ended.run = job.run;
  ended.key = std::move(job.key);
  ended.outcome = outcome;
  ended.stage = job.stage;
  ended.code = std::move(code);
  ended.text = std::move(text);
  ended.attempts = job.marks.attempts + (outcome == ItemOutcome::kFailed ? 0 : 1);
  ended.attempts = std::max(ended.attempts, 1);
  ended.warnings = std::move(job.warnings);
  ended.records = std::move(job.records);
  ended.outputs = std::move(job.outputs);
  RemoveJob(job.id);
  CountEnded(run, std::move(ended), now);
  CheckStopRule(run, now);
  CheckRunEnd(run);
}

// A scan that cannot go on: what it has found is still processed, and the run ends as failed.
void JobQueue::EndScan(Run& run, const Job& job, const std::string& why) {
  run.scan_job = JobId();
  run.scan_ended = true;
  if (run.phase == RunPhase::kActive) {
    run.result = RunResult::kFailed;
    run.reason = "the scan failed: " + why;
  }
  RemoveJob(job.id);
  CheckRunEnd(run);
}

void JobQueue::CountEnded(Run& run, ItemEnded ended, Instant now) {
  switch (ended.outcome) {
    case ItemOutcome::kOk:
      run.counts.ok += 1;
      break;
    case ItemOutcome::kFailed:
      run.counts.failed += 1;
      run.counts.failed_by[ended.code] += 1;
      break;
    case ItemOutcome::kSkipped:
      run.counts.skipped += 1;
      break;
  }
  run.last_ended = now;
  actions_.emplace_back(std::move(ended));
}

void JobQueue::CheckStopRule(Run& run, Instant now) {
  if (run.phase != RunPhase::kActive) return;
  const StopRule& rule = run.stop_rule;
  // What was taken over had its say in the run that did it.
  const std::int64_t failed = run.counts.failed - run.counts.resumed_failed;
  const std::int64_t processed = run.counts.ok + run.counts.failed - run.counts.resumed;
  const bool too_many = rule.failures > 0 && failed >= rule.failures;
  const bool too_large_a_share =
      rule.share > 0 && processed >= kStopShareAfter &&
      static_cast<double>(failed) >= rule.share * static_cast<double>(processed);
  if (too_many || too_large_a_share) {
    GiveUp(run,
           "gave up after " + std::to_string(failed) + " of " + std::to_string(processed) +
               " processed items had failed" + CommonestFailures(run.counts),
           now);
  }
}

void JobQueue::GiveUp(Run& run, std::string reason, Instant now) {
  actions_.emplace_back(RunStops{run.id});
  StopRun(run.id, RunResult::kFailed, std::move(reason), now);
}

void JobQueue::StopRun(RunId id, RunResult result, std::string reason, Instant now) {
  const auto found = runs_.find(id);
  if (found == runs_.end()) return;
  Run& run = found->second;
  // One that is paused, or about to be, may be stopped for good: nothing else has become of it.
  if (run.phase != RunPhase::kActive && !run.pausing) return;
  run.pausing = false;
  run.result = result;
  run.reason = std::move(reason);
  if (run.phase == RunPhase::kActive) Drain(run, now);
}

void JobQueue::PauseRun(RunId id, Instant now) {
  const auto found = runs_.find(id);
  if (found == runs_.end() || found->second.phase != RunPhase::kActive) return;
  found->second.pausing = true;
  found->second.reason = "paused";
  Drain(found->second, now);
}

void JobQueue::Drain(Run& run, Instant now) {
  run.phase = RunPhase::kStopping;
  run.last_ended = std::max(run.last_ended, now);
  DropWaitingJobs(run, now);
  CheckRunEnd(run);
}

void JobQueue::StopAllRuns(const std::string& reason, Instant now) {
  std::vector<RunId> active;
  for (const auto& [id, run] : runs_) {
    if (run.phase == RunPhase::kActive) active.push_back(id);
  }
  for (const RunId id : active) GiveUp(runs_.at(id), reason, now);
  actions_.emplace_back(StageFailed{reason});
}

void JobQueue::DropWaitingJobs(Run& run, Instant now) {
  std::vector<JobId> waiting;
  std::map<IncarnationId, std::vector<wire::Lease>> unwanted;
  for (const auto& [id, job] : jobs_) {
    if (job.run != run.id) continue;
    // A chunk of a scan may take long, and nothing is lost with it: the next begins at its cursor.
    const bool given_up = job.state == JobState::kClaimed && id == run.scan_job;
    if (job.state == JobState::kSent || given_up) {
      unwanted[job.holder].push_back({id, job.delivery});
    }
    if (!job.InFlight()) waiting.push_back(id);
  }
  for (const JobId id : waiting) {
    if (id == run.scan_job) run.scan_job = JobId();
    RemoveJob(id);
  }
  for (auto& [worker, leases] : unwanted) {
    Worker* holder = workers_.Find(worker);
    for (const wire::Lease& lease : leases) {
      const Job& job = jobs_.at(lease.job);
      if (holder == nullptr || job.state != JobState::kSent) continue;
      holder->AwaitAnswer(lease, now + settings_[job.stage].lease);
    }
    actions_.emplace_back(SendRevoke{worker, std::move(leases)});
  }
  for (StageState& stage : stages_) stage.ready.RemoveRun(run.id);
}

void JobQueue::CheckRunEnd(Run& run) {
  // A run that is stopping has only jobs that are in flight.
  std::size_t jobs = 0;
  for (const RunInStage& share : run.stages) jobs += share.jobs;
  if (jobs > 0 || run.recording || run.phase == RunPhase::kEnded) return;
  if (run.phase == RunPhase::kActive && !run.scan_ended) return;
  Check(run.counts.ended() <= run.counts.scanned, "no more items end than there are");
  run.phase = RunPhase::kEnded;
  actions_.emplace_back(RunEnded{run.id});
}

void JobQueue::DropRun(RunId id) {
  const auto found = runs_.find(id);
  if (found == runs_.end() || found->second.phase != RunPhase::kEnded) return;
  for (StageState& stage : stages_) stage.ready.RemoveRun(id);
  runs_.erase(found);
}

std::vector<Action> JobQueue::TakeActions() { return std::exchange(actions_, {}); }

const JobQueue::Job* JobQueue::FindJob(JobId id) const {
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : &found->second;
}

const Run* JobQueue::FindRun(RunId id) const {
  const auto found = runs_.find(id);
  return found == runs_.end() ? nullptr : &found->second;
}

JobQueue::StageTotals JobQueue::Totals(StageIndex index, Instant now) const {
  const StageState& stage = stages_[index];
  StageTotals totals{stage.jobs, stage.in_flight, stage.bytes, stage.busy, stage.present};
  for (const auto& [id, worker] : workers_.all()) {
    if (worker.stage != index) continue;
    totals.present += now - worker.joined;
    if (worker.claimed > 0) totals.busy += now - worker.busy_since;
  }
  return totals;
}

}  // namespace millrace
