// JobQueue: what must hold between any two events, looked at from the inside. The simulation asks
// after every turn; tests/simulation/audit.h looks at the same queue from the outside.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "broker/job_queue.h"

namespace millrace {
namespace {

std::string NameOf(const JobQueue::Job& job) {
  return "job " + std::to_string(job.id.value()) + " '" + job.key + "' of run " +
         std::to_string(job.run.value());
}

}  // namespace

std::optional<std::string> JobQueue::BrokenInvariant() const {
  std::vector<StageTotals> stages(stages_.size());
  std::map<RunId, std::vector<RunInStage>> shares;
  std::map<RunId, std::int64_t> items;
  std::map<IncarnationId, std::size_t> claimed;
  std::set<JobId> held;
  for (const Loss& loss : losses_) held.insert(loss.held.begin(), loss.held.end());
  std::size_t timers = 0;
  for (const auto& [id, job] : jobs_) {
    const auto found = runs_.find(job.run);
    if (found == runs_.end()) return NameOf(job) + " has no run";
    const Run& run = found->second;
    std::vector<RunInStage>& share = shares[job.run];
    share.resize(stages_.size());
    stages[job.stage].jobs += 1;
    stages[job.stage].bytes += job.bytes;
    stages[job.stage].in_flight += job.InFlight();
    share[job.stage].jobs += 1;
    share[job.stage].bytes += job.bytes;
    share[job.stage].in_flight += job.InFlight();
    items[job.run] += !job.key.empty();
    if (job.key.empty() != (job.stage == 0)) return NameOf(job) + " is at a stage that is not its";
    if (job.key.empty() && run.scan_job != id) return NameOf(job) + " is a second scan of its run";
    if (run.phase == RunPhase::kEnded) return NameOf(job) + " is left of a run that has ended";
    if (run.phase == RunPhase::kStopping && !job.InFlight()) {
      return NameOf(job) + " waits, though its run stops";
    }
    if (job.InFlight() != job.holder.valid()) return NameOf(job) + " is not where its state says";
    if (job.InFlight()) {
      const auto holder = workers_.all().find(job.holder);
      const wire::Lease lease{id, job.delivery};
      if (holder == workers_.all().end() || !holder->second.Holds(lease)) {
        return NameOf(job) + " is with a worker that does not hold it";
      }
      claimed[job.holder] += job.state == JobState::kClaimed;
    }
    if ((job.state == JobState::kHeld) != held.contains(id)) {
      return NameOf(job) + " waits for a verdict that nobody will give";
    }
    const bool timed = job.InFlight() || job.state == JobState::kBackoff;
    if (timed != job.deadline.has_value()) return NameOf(job) + " has a deadline, or lacks it";
    if (job.deadline && !timers_.contains({*job.deadline, id})) {
      return NameOf(job) + " has a deadline that nobody watches";
    }
    timers += job.deadline.has_value();
  }
  if (timers != timers_.size()) return "a timer is of no job";
  for (StageIndex stage = 0; stage < stages_.size(); ++stage) {
    const StageState& counted = stages_[stage];
    if (counted.jobs != stages[stage].jobs || counted.bytes != stages[stage].bytes ||
        counted.in_flight != stages[stage].in_flight) {
      return "stage " + settings_[stage].name + " counts other jobs than it has";
    }
  }
  for (const auto& [id, run] : runs_) {
    const std::string name = "run " + std::to_string(id.value());
    std::vector<RunInStage>& share = shares[id];
    share.resize(stages_.size());
    for (StageIndex stage = 0; stage < stages_.size(); ++stage) {
      if (run.stages[stage].jobs != share[stage].jobs ||
          run.stages[stage].bytes != share[stage].bytes ||
          run.stages[stage].in_flight != share[stage].in_flight) {
        return name + " counts other jobs than it has";
      }
    }
    if (run.scan_job.valid() && !jobs_.contains(run.scan_job)) return name + " scans by no job";
    if (run.scan_job.valid() && run.recording) return name + " scans while a chunk is recorded";
    // Every item that has no outcome is in one job: nothing is lost, and nothing is there twice.
    const std::int64_t open = run.counts.scanned - run.counts.ended();
    if (run.phase == RunPhase::kActive ? items[id] != open : items[id] > open) {
      return name + " has " + std::to_string(items[id]) + " jobs for " + std::to_string(open) +
             " open items";
    }
  }
  for (const auto& [id, worker] : workers_.all()) {
    if (worker.claimed != claimed[id]) {
      return "worker " + std::to_string(id.value()) + " has claimed other jobs than are counted";
    }
  }
  return std::nullopt;
}

}  // namespace millrace
