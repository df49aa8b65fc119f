// JobQueue: who gets which job next.
#include <algorithm>
#include <utility>

#include "broker/job_queue.h"
#include "common/base/check.h"

namespace millrace {
namespace {

// One message stays well under what its head and the whole may have (PROTOCOL.md: "Limits"): a
// worker could read nothing of a larger one, and would never answer for the jobs in it.
constexpr std::size_t kMessageJobs = 256;
constexpr std::size_t kMessageHeadBytes = 1u << 20;
constexpr std::size_t kMessageBytes = 64u << 20;

}  // namespace

void JobQueue::Dispatch(Instant now) {
  // The last stage first: what it takes makes room for the one before.
  for (StageIndex stage = settings_.size(); stage-- > 0;) DispatchStage(stage, now);
  for (const auto& [worker, jobs] : sends_) EmitSends(worker, jobs);
  sends_.clear();
}

void JobQueue::EmitSends(IncarnationId worker, const std::vector<JobId>& jobs) {
  SendJobs send{worker, {}};
  std::size_t head_bytes = 0;
  std::size_t bytes = 0;
  for (const JobId id : jobs) {
    const Job& job = jobs_.at(id);
    const std::size_t head = job.key.size() + job.cursor.size() + job.meta.size();
    if (!send.jobs.empty() &&
        (send.jobs.size() == kMessageJobs || head_bytes + head > kMessageHeadBytes ||
         bytes + job.bytes > kMessageBytes)) {
      actions_.emplace_back(std::exchange(send, SendJobs{worker, {}}));
      head_bytes = 0;
      bytes = 0;
    }
    send.jobs.push_back(SpecOf(job));
    head_bytes += head;
    bytes += job.bytes;
  }
  if (!send.jobs.empty()) actions_.emplace_back(std::move(send));
}

wire::JobSpec JobQueue::SpecOf(const Job& job) {
  return {.lease = {job.id, job.delivery},
          .run = job.run,
          .key = job.key,
          .cursor = job.cursor,
          .meta = job.meta,
          .attempt = job.marks.attempts,
          .alone = job.marks.alone,
          .payload = job.payload};
}

// Back-pressure: a stage is fed while the one after it is under its budget. Over it, only a run
// that has nothing there, nor anything on its way there, is fed, and one job: so no run waits for
// another's to drain, and the bytes stay under
// budget + (runs + jobs in flight before it) * max_payload.
bool JobQueue::MayFeed(StageIndex stage, RunId run) const {
  if (stage + 1 == settings_.size()) return true;
  if (stages_[stage + 1].bytes < settings_[stage + 1].budget) return true;
  const std::vector<RunInStage>& held = runs_.at(run).stages;
  return held[stage + 1].jobs == 0 && held[stage].in_flight == 0;
}

// An equal part of the next stage's budget for each run that is active.
bool JobQueue::UnderShare(StageIndex stage, RunId run) const {
  if (stage + 1 == settings_.size()) return true;
  const auto active =
      static_cast<std::size_t>(std::count_if(runs_.begin(), runs_.end(), [](const auto& entry) {
        return entry.second.phase == RunPhase::kActive;
      }));
  return runs_.at(run).stages[stage + 1].bytes <=
         settings_[stage + 1].budget / std::max<std::size_t>(active, 1);
}

void JobQueue::DispatchStage(StageIndex index, Instant now) {
  StageState& stage = stages_[index];
  const auto valid = [this](const FairQueue::Entry& entry) {
    const Job* job = FindJob(entry.job);
    return job != nullptr && job->state == JobState::kReady && job->ticket == entry.ticket;
  };
  while (!stage.alone.empty() && !valid(stage.alone.front())) stage.alone.pop_front();
  while (!stage.alone.empty() && DispatchAlone(index, now)) {
    while (!stage.alone.empty() && !valid(stage.alone.front())) stage.alone.pop_front();
  }
  if (stage.alone.empty()) workers_.Unreserve(index);
  while (true) {
    Worker* worker = workers_.LeastLoaded(index);
    if (worker == nullptr) return;
    std::optional<FairQueue::Pick> pick = stage.ready.Next(
        [&](RunId run) { return MayFeed(index, run) && UnderShare(index, run); }, valid);
    // Nobody is below its share: whoever is next in turn may go over it while the budget lasts.
    if (!pick) pick = stage.ready.Next([&](RunId run) { return MayFeed(index, run); }, valid);
    if (!pick) return;
    Job& job = jobs_.at(pick->entry.job);
    stage.ready.Take(pick->run, job.bytes);
    Send(*worker, job, now);
  }
}

// Sends the first `alone` job to a worker that holds nothing. Where all hold something, the one
// that will be empty soonest is fed no more until it is. False: it has to wait.
bool JobQueue::DispatchAlone(StageIndex index, Instant now) {
  StageState& stage = stages_[index];
  Job& job = jobs_.at(stage.alone.front().job);
  if (!MayFeed(index, job.run)) return false;
  if (Worker* worker = workers_.Empty(index); worker != nullptr) {
    stage.alone.pop_front();
    worker->reserved = false;
    worker->alone_job = job.id;
    Send(*worker, job, now);
    return true;
  }
  Worker* soonest = nullptr;
  for (auto& [id, worker] : workers_.all()) {
    if (worker.stage != index || worker.slots == 0 || worker.death) continue;
    if (worker.reserved || worker.alone_job.valid()) return false;  // one at a time
    if (soonest == nullptr || worker.held.size() < soonest->held.size()) soonest = &worker;
  }
  if (soonest != nullptr) soonest->reserved = true;
  return false;
}

void JobQueue::Send(Worker& worker, Job& job, Instant now) {
  Check(worker.HasFreeSlot() && worker.stage == job.stage, "a worker is sent what it may hold");
  Check(!job.InFlight(), "a job is with one worker");
  job.delivery = Delivery(job.delivery.value() + 1);
  SetState(job, JobState::kSent);
  job.holder = worker.id;
  job.sent = now;
  job.call_size = 0;
  worker.held.push_back({job.id, job.delivery});
  worker.sends += 1;
  SetDeadline(job, now + settings_[job.stage].claim_deadline);
  sends_[worker.id].push_back(job.id);
}

void JobQueue::RevokeSent(Job& job) {
  actions_.emplace_back(SendRevoke{job.holder, {{job.id, job.delivery}}});
}

}  // namespace millrace
