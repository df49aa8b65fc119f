// JobQueue: what happens when time passes and nothing else does.
#include <algorithm>
#include <utility>

#include "broker/job_queue.h"

namespace millrace {

void JobQueue::SetDeadline(Job& job, Instant deadline) {
  ClearDeadline(job);
  job.deadline = deadline;
  timers_.emplace(deadline, job.id);
}

void JobQueue::ClearDeadline(Job& job) {
  if (job.deadline) timers_.erase({*job.deadline, job.id});
  job.deadline.reset();
}

std::optional<Instant> JobQueue::NextDeadline() const {
  std::optional<Instant> next;
  const auto consider = [&](Instant at) { next = next ? std::min(*next, at) : at; };
  if (!timers_.empty()) consider(timers_.begin()->first);
  for (const Loss& loss : losses_) consider(loss.due);
  for (const auto& [id, worker] : workers_.all()) {
    consider(SilentAt(worker));
    if (!worker.taken_back.empty()) consider(worker.taken_back.front().second);
    if (worker.death) consider(worker.death_due);
    if (worker.claimed > 0) consider(worker.last_progress + settings_[worker.stage].stall);
  }
  return next;
}

void JobQueue::Tick(Instant now) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    Job& job = jobs_.at(timers_.begin()->second);
    ClearDeadline(job);
    Ring(job, now);
  }
  CheckWorkers(now);
  while (true) {
    const auto due = std::find_if(losses_.begin(), losses_.end(),
                                  [&](const Loss& loss) { return loss.due <= now; });
    if (due == losses_.end()) break;
    Loss loss = std::move(*due);
    losses_.erase(due);
    JudgeDead(std::move(loss), "was lost and did not come back", now);
  }
}

void JobQueue::Ring(Job& job, Instant now) {
  switch (job.state) {
    case JobState::kReady:
    case JobState::kHeld:
      return;  // neither has a deadline
    case JobState::kBackoff:
      return Requeue(job);
    case JobState::kSent:
      return ClaimOverdue(job, now);
    case JobState::kClaimed:
      return LeaseOver(job, now);
  }
}

// A job that waits behind a long one is taken back only if somebody else could begin it now. One
// that its worker has not begun for a lease's time, though it processes nothing, may never have
// come there: it is asked for until it is answered for. Whoever does not answer for a lease's time
// is ended: an honest worker answers at once, however long it has been processing another job.
void JobQueue::ClaimOverdue(Job& job, Instant now) {
  const StageSettings& settings = settings_[job.stage];
  Worker* holder = workers_.Find(job.holder);
  const bool gone_astray =
      holder != nullptr && holder->claimed == 0 && now - job.sent >= settings.lease;
  const bool somebody_idle =
      std::any_of(workers_.all().begin(), workers_.all().end(), [&](const auto& entry) {
        const Worker& worker = entry.second;
        return worker.id != job.holder && worker.stage == job.stage && worker.held.empty() &&
               worker.Feedable();
      });
  if (holder != nullptr && (gone_astray || (somebody_idle && !job.marks.alone))) {
    RevokeSent(job);
    holder->AwaitAnswer({job.id, job.delivery}, now + settings.lease);
  }
  SetDeadline(job, now + settings.claim_deadline);
}

void JobQueue::LeaseOver(Job& job, Instant now) {
  Worker* worker = workers_.Find(job.holder);
  if (worker == nullptr) return;
  if (now - worker->last_beat >= settings_[job.stage].lease) {
    return EndWorker(worker->id, "it sent no beat for its lease", now);
  }
  // It beats, and this job is not among those it says it is working on. The slot stays taken until
  // it answers or is ended. Counted like a lost link: its answers may be such as cannot be read.
  const JobId id = job.id;
  RevokeSent(job);
  worker->AwaitAnswer({id, job.delivery}, now + settings_[job.stage].lease);
  ReleaseClaim(*worker, job, now);
  Requeue(job);
  CountLinkLoss(id, now);
}

// A worker beats whether it holds anything or not. One that does not, while its link stands, never
// reported at all or is stuck: what it was sent would wait for ever.
Instant JobQueue::SilentAt(const Worker& worker) const {
  return worker.last_beat + std::max(settings_[worker.stage].lease, kFirstBeat);
}

void JobQueue::CheckWorkers(Instant now) {
  std::vector<std::pair<IncarnationId, std::string>> ended;
  std::vector<IncarnationId> died;
  std::vector<std::pair<StageIndex, std::int64_t>> stalled;
  for (auto& [id, worker] : workers_.all()) {
    if (worker.death && worker.death_due <= now) {
      died.push_back(id);
    } else if (SilentAt(worker) <= now) {
      ended.emplace_back(id, "it sent no beat for its lease");
    } else if (!worker.taken_back.empty() && worker.taken_back.front().second <= now) {
      ended.emplace_back(id, "it did not answer for a job that was taken back");
    } else if (worker.claimed > 0 && worker.last_progress + settings_[worker.stage].stall <= now) {
      ended.emplace_back(id, "its handler made no progress for its stall time");
      // As good as dead: only the end of the process ends a handler that hangs, and what hung it
      // would hang the next. That the process says HELLO again meanwhile proves nothing.
      worker.death = "made no progress for its stall time";
      worker.death_due = now;
      stalled.emplace_back(worker.stage, worker.replica);
    }
  }
  for (const IncarnationId id : died) EndWorker(id, "its process has ended", now);
  for (auto& [id, reason] : ended) EndWorker(id, std::move(reason), now);
  for (const auto& [stage, replica] : stalled) crash_loops_.Stalled(stage, replica);
}

void JobQueue::ExtendDeadlines(Duration gap) {
  timers_.clear();
  for (auto& [id, job] : jobs_) {
    if (!job.deadline) continue;
    *job.deadline += gap;
    job.sent += gap;
    timers_.emplace(*job.deadline, id);
  }
  for (Loss& loss : losses_) loss.due += gap;
  for (auto& [id, worker] : workers_.all()) {
    worker.last_beat += gap;
    worker.last_progress += gap;
    worker.death_due += gap;
    for (auto& [lease, due] : worker.taken_back) due += gap;
  }
}

}  // namespace millrace
