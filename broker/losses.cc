// JobQueue: workers that are gone, and what that means for the jobs they held.
//
// A lost link is not a death. What had not begun, and what was in a batch, goes to another worker
// at once; the latter `alone`, since one of the batch may have been the cause, and so is what was
// lost a second time before it was begun. What was processed by itself waits for the verdict: a
// HELLO from the same process (alive: nothing is charged), its supervisor's word or kLossGrace
// without either (dead: the job is charged an attempt).
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "broker/job_queue.h"
#include "common/base/result.h"

namespace millrace {

void JobQueue::Join(IncarnationId id, StageIndex stage, std::int64_t replica, std::string boot,
                    Instant now) {
  for (auto it = losses_.begin(); it != losses_.end();) {
    if (it->worker.boot == boot) {
      const Loss loss = std::move(*it);
      it = losses_.erase(it);
      JudgeAlive(loss, now);
    } else {
      ++it;
    }
  }
  Worker worker;
  worker.id = id;
  worker.stage = stage;
  worker.replica = replica;
  worker.boot = std::move(boot);
  worker.joined = now;
  worker.last_beat = now;
  worker.last_progress = now;
  workers_.Add(std::move(worker));
}

void JobQueue::SetCredit(IncarnationId id, std::size_t slots, Instant now) {
  Worker* worker = workers_.Find(id);
  if (worker == nullptr) return;
  worker->slots = slots;
  worker->draining = slots == 0;
  worker->last_beat = now;
  if (slots == 0) worker->reserved = false;
}

void JobQueue::RemoveWorker(Worker& worker, Instant now) {
  StageState& stage = stages_[worker.stage];
  stage.present += now - worker.joined;
  if (worker.claimed > 0) stage.busy += now - worker.busy_since;
  workers_.Remove(worker.id);
}

void JobQueue::Requeue(Job& job) {
  Run& run = runs_.at(job.run);
  if (run.phase == RunPhase::kActive) return Enqueue(job, /*fresh=*/false);
  if (job.id == run.scan_job) run.scan_job = JobId();
  RemoveJob(job.id);
  CheckRunEnd(run);
}

void JobQueue::PutAside(Worker& worker, Instant now) {
  Loss loss;
  loss.id = next_loss_++;
  loss.due = now + kLossGrace;
  // Not begun by others that are gone either; the verdict on them is out.
  std::unordered_set<JobId> lost_before;
  for (const Loss& other : losses_) {
    lost_before.insert(other.unclaimed.begin(), other.unclaimed.end());
  }
  for (const wire::Lease& lease : worker.held) {
    const auto found = jobs_.find(lease.job);
    if (found == jobs_.end()) continue;
    Job& job = found->second;
    if (!job.InFlight() || job.delivery != lease.delivery || job.holder != worker.id) continue;
    // Not `job.marks.alone`: it may have become so after it was sent, and be in a batch now.
    const bool by_itself =
        worker.alone_job == job.id || (job.state == JobState::kClaimed && job.call_size == 1);
    if (runs_.at(job.run).phase != RunPhase::kActive) {
      Requeue(job);
    } else if (by_itself) {
      SetState(job, JobState::kHeld);
      ClearDeadline(job);
      loss.held.push_back(job.id);
    } else if (job.state == JobState::kClaimed) {
      job.marks.alone = true;
      job.suspected_by = loss.id;
      Mark(job);
      loss.suspects.push_back(job.id);
      Requeue(job);
    } else {
      loss.unclaimed.push_back(job.id);
      // Lost twice before it was begun: at once, as with a batch. Where processes are started again
      // sooner than a verdict falls, it would end one after the other meanwhile.
      if (!job.marks.alone && (job.marks.unclaimed_deaths > 0 || lost_before.contains(job.id))) {
        job.marks.alone = true;
        job.suspected_by = loss.id;
        Mark(job);
      }
      Requeue(job);
    }
  }
  loss.worker = worker;
  RemoveWorker(worker, now);
  losses_.push_back(std::move(loss));
}

void JobQueue::LinkLost(IncarnationId id, Instant now) {
  Worker* worker = workers_.Find(id);
  if (worker == nullptr) return;
  if (worker->draining) return Leave(id, now);  // an exit it announced
  const std::optional<std::string> death = worker->death;
  PutAside(*worker, now);
  if (!death) return;
  Loss loss = std::move(losses_.back());
  losses_.pop_back();
  JudgeDead(std::move(loss), *death, now);
}

void JobQueue::ProcessDied(IncarnationId id, std::string what, Instant now) {
  Worker* worker = workers_.Find(id);
  if (worker == nullptr) return;
  worker->death = std::move(what);
  worker->death_due = now + kDeathGrace;
}

void JobQueue::LostProcessDied(std::string_view boot, std::string what, Instant now) {
  const auto found = std::find_if(losses_.begin(), losses_.end(),
                                  [&](const Loss& loss) { return loss.worker.boot == boot; });
  if (found == losses_.end()) return;
  Loss loss = std::move(*found);
  losses_.erase(found);
  JudgeDead(std::move(loss), what, now);
}

void JobQueue::StillbornDied(StageIndex stage, std::int64_t replica, std::string what,
                             Instant now) {
  if (crash_loops_.Death(stage, replica, Duration::zero(), /*ended_a_job=*/false)) {
    ReportCrashLoop(stage, replica, what, now);
  }
}

void JobQueue::CutOff(StageIndex stage, std::int64_t replica, const std::string& what,
                      Instant now) {
  const bool others_work = std::any_of(
      workers_.all().begin(), workers_.all().end(),
      [&](const auto& entry) { return entry.second.stage == stage && entry.second.slots > 0; });
  if (others_work) return;
  StopAllRuns("worker " + settings_[stage].name + "-" + std::to_string(replica) + " " + what +
                  ", and no other works at that stage",
              now);
}

void JobQueue::Leave(IncarnationId id, Instant now) {
  Worker* worker = workers_.Find(id);
  if (worker == nullptr) return;
  const std::vector<wire::Lease> held = worker->held;
  for (const wire::Lease& lease : held) {
    const auto found = jobs_.find(lease.job);
    if (found == jobs_.end()) continue;
    Job& job = found->second;
    if (job.InFlight() && job.delivery == lease.delivery && job.holder == id) Requeue(job);
  }
  RemoveWorker(*worker, now);
}

void JobQueue::JudgeDead(Loss loss, const std::string& what, Instant now) {
  const StageIndex stage = loss.worker.stage;
  const std::int64_t replica = loss.worker.replica;
  actions_.emplace_back(
      Notice{"worker " + settings_[stage].name + "-" + std::to_string(replica) + " " + what});
  for (const JobId id : loss.suspects) {
    const auto found = jobs_.find(id);
    if (found != jobs_.end()) found->second.suspected_by = 0;  // it stays `alone`
  }
  for (const JobId id : loss.unclaimed) {
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) continue;
    Job& job = found->second;
    if (job.suspected_by == loss.id) job.suspected_by = 0;
    ++job.marks.unclaimed_deaths;
    Mark(job);
  }
  // Also where the run has been stopped meanwhile, and the item with it.
  const bool charged = !loss.held.empty();
  for (const JobId id : loss.held) {
    const auto found = jobs_.find(id);
    if (found == jobs_.end() || found->second.state != JobState::kHeld) continue;
    ChargeDeath(found->second, what, now);
  }
  if (!charged &&
      crash_loops_.Death(stage, replica, now - loss.worker.joined, loss.worker.ended_a_job)) {
    ReportCrashLoop(stage, replica, what, now);
  }
}

void JobQueue::ChargeDeath(Job& job, const std::string& what, Instant now) {
  const StageIndex stage = job.stage;
  job.marks.alone = true;
  job.suspected_by = 0;  // known now, whatever becomes of the batch that it was in before
  const bool last = job.marks.attempts + 1 >= settings_[stage].max_attempts;
  FailAttempt(job, std::string(ErrorCodeName(ErrorCode::kWorkerDied)),
              "the " + settings_[stage].name + " worker " + what + " while it processed this item",
              {}, now);
  if (last && crash_loops_.Culprit(stage)) ReportCrashLoop(stage, -1, what, now);
}

void JobQueue::JudgeAlive(const Loss& loss, Instant now) {
  for (const std::vector<JobId>* jobs : {&loss.suspects, &loss.unclaimed}) {
    for (const JobId id : *jobs) {
      const auto found = jobs_.find(id);
      if (found == jobs_.end()) continue;
      Job& job = found->second;
      if (job.suspected_by == loss.id) {
        job.suspected_by = 0;
        job.marks.alone = false;
        if (job.state == JobState::kReady) Enqueue(job, /*fresh=*/false);
      }
      CountLinkLoss(id, now);
    }
  }
  for (const JobId id : loss.held) {
    const auto found = jobs_.find(id);
    if (found == jobs_.end() || found->second.state != JobState::kHeld) continue;
    Requeue(found->second);
    CountLinkLoss(id, now);
  }
}

void JobQueue::CountLinkLoss(JobId id, Instant now) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  Job& job = found->second;
  ++job.marks.link_losses;
  Mark(job);
  if (job.marks.link_losses <= kMaxLinkLosses || job.InFlight()) return;
  job.marks.attempts = std::max(job.marks.attempts, 1);
  EndItem(job, ItemOutcome::kFailed, std::string(ErrorCodeName(ErrorCode::kLostWorker)),
          "the link to its worker was lost " + std::to_string(job.marks.link_losses) + " times",
          now);
}

void JobQueue::ReportCrashLoop(StageIndex stage, std::int64_t replica, const std::string& what,
                               Instant now) {
  const std::string who = replica < 0
                              ? "every " + settings_[stage].name + " worker"
                              : "worker " + settings_[stage].name + "-" + std::to_string(replica);
  StopAllRuns(who + " dies again and again without ending a job; the last one " + what, now);
  // It has been told: the runs that are submitted after this are not to end at its first death.
  crash_loops_.Success(stage, replica);
}

void JobQueue::EndWorker(IncarnationId id, std::string reason, Instant now) {
  actions_.emplace_back(EndIncarnation{id, std::move(reason)});
  LinkLost(id, now);
}

}  // namespace millrace
