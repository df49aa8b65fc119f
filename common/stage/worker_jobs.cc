// WorkerCore: the jobs it is given, and what becomes of each.
#include <algorithm>
#include <utility>

#include "common/stage/job_wire.h"
#include "common/stage/outcome_wire.h"
#include "common/stage/worker_core.h"

namespace millrace {
namespace {

// Results travel together up to this size, so that one large message does not hold up the next
// claim or beat.
constexpr std::size_t kResultsBytes = 1 << 20;
constexpr std::size_t kResultsCount = 256;
constexpr Duration kTimeoutGoodbye = std::chrono::seconds(1);

std::size_t BytesOf(const wire::DoneResult& result) {
  if (const auto* item = std::get_if<wire::ItemResult>(&result.what)) {
    return PayloadBytes(item->payload) + item->meta.size() + item->record.line.size();
  }
  return kResultsBytes;  // a chunk of a scan travels by itself
}

std::size_t BytesOf(const wire::FailResult& result) {
  return result.text.size() + result.record.line.size();
}

std::size_t BytesOf(const wire::SkipResult& result) { return result.reason.size(); }

template <typename Results>
std::vector<wire::Lease> LeasesOf(const Results& results) {
  std::vector<wire::Lease> leases;
  leases.reserve(results.size());
  for (const auto& result : results) leases.push_back(result.lease);
  return leases;
}

}  // namespace

std::size_t WorkerCore::HeldJobs() const {
  return waiting_.size() + (call_ && !call_->abandoned ? call_->jobs.size() : 0);
}

// Every slot is taken by a job that waits: the broker can send nothing to fill the batch.
bool WorkerCore::NoMoreJobs() const { return static_cast<std::int64_t>(waiting_.size()) >= slots_; }

// A handler still busy with an ended incarnation's jobs can begin nothing, so until it returns no
// job is asked for: others may be idle.
void WorkerCore::OfferCredit() {
  if (phase_ != Phase::kLinked || leave_deadline_ || call_ || slots_ > 0) return;
  slots_ = std::max(settings_.credit, 1);
  actions_.emplace_back(SendReport{wire::Credit{welcome_.link, slots_}});
}

void WorkerCore::Report(wire::ReportMessage report, const std::vector<wire::Lease>& leases) {
  for (const wire::Lease& lease : leases) ++unconfirmed_[lease];
  actions_.emplace_back(SendReport{std::move(report)});
}

void WorkerCore::Return(std::vector<wire::Lease> leases) {
  if (leases.empty()) return;
  wire::Return report{welcome_.link, leases};
  Report(std::move(report), leases);
}

void WorkerCore::FailJob(wire::FailResult result) {
  const std::vector<wire::Lease> leases{result.lease};
  Report(wire::FailReport{welcome_.link, {std::move(result)}}, leases);
}

void WorkerCore::ReceiveJobs(wire::JobMessage message, Instant now) {
  std::map<RunId, Error> broken;
  std::vector<std::shared_ptr<const RunInfo>> keep;  // until the jobs refer to them
  std::erase_if(runs_, [](const auto& entry) { return entry.second.expired(); });
  for (wire::RunSpec& spec : message.runs) {
    const RunId id = spec.run;
    if (const auto known = runs_.find(id); known != runs_.end()) {
      keep.push_back(known->second.lock());
      continue;
    }
    auto info = ToRunInfo(std::move(spec));
    if (!info) {
      broken.emplace(id, info.error());
      continue;
    }
    runs_[id] = *info;
    keep.push_back(std::move(*info));
  }
  for (wire::JobSpec& spec : message.jobs) {
    if (const auto found = broken.find(spec.run); found != broken.end()) {
      FailJob(ToWireFailure(spec.lease, found->second, false));
    } else {
      ReceiveJob(std::move(spec), now);
    }
  }
}

void WorkerCore::ReceiveJob(wire::JobSpec spec, Instant now) {
  const wire::Lease lease = spec.lease;
  const bool running = call_ && !call_->abandoned &&
                       std::any_of(call_->jobs.begin(), call_->jobs.end(),
                                   [&](const RunningJob& job) { return job.lease == lease; });
  if (running || waiting_.Contains(lease)) return;  // sent twice; it is one job
  // Sent before the broker knew that the credit was taken back.
  if (static_cast<std::int64_t>(HeldJobs()) >= slots_) return Return({lease});
  const auto run = runs_.find(spec.run);
  if (run == runs_.end()) {
    const Error error{ErrorCode::kProtocol, "the job came without its run"};
    return FailJob(ToWireFailure(lease, error, false));
  }
  const bool alone = spec.alone;
  auto job = ToJob(std::move(spec), run->second.lock());
  if (!job) return FailJob(ToWireFailure(lease, job.error(), false));
  waiting_.Add({lease, std::move(*job), alone, now});
}

void WorkerCore::ReceiveRevoke(const std::vector<wire::Lease>& leases, Unknown unknown) {
  std::vector<wire::Lease> returned;
  std::vector<JobId> cancelled;
  for (const wire::Lease& lease : leases) {
    if (waiting_.Remove(lease)) {
      returned.push_back(lease);
      continue;
    }
    bool running = false;
    if (call_ && !call_->abandoned) {
      for (RunningJob& job : call_->jobs) {
        if (job.lease != lease) continue;
        running = true;
        if (std::exchange(job.revoked, true)) continue;
        cancelled.push_back(lease.job);
      }
    }
    // Either its report has crossed the revoke, and this answer is stale; or it never came here,
    // and only this answer gives it back.
    if (!running && unknown == Unknown::kReturn) returned.push_back(lease);
  }
  if (!cancelled.empty()) actions_.emplace_back(CancelJobs{std::move(cancelled)});
  Return(std::move(returned));
}

void WorkerCore::ReceiveConfirm(const wire::Confirm& confirm) {
  for (const auto* leases : {&confirm.accepted, &confirm.stale}) {
    for (const wire::Lease& lease : *leases) {
      const auto found = unconfirmed_.find(lease);
      if (found != unconfirmed_.end() && --found->second == 0) unconfirmed_.erase(found);
    }
  }
  // A stale claim: the job is another's by now. Its slot is still to be answered for.
  ReceiveRevoke(confirm.stale, Unknown::kIgnore);
}

void WorkerCore::StartBatch(Instant now) {
  if (call_ || leave_deadline_) return;
  std::vector<WaitingJob> batch = waiting_.Take(now, NoMoreJobs());
  if (batch.empty()) return;
  Call call;
  call.started = now;
  std::vector<Job> jobs;
  for (WaitingJob& waiting : batch) {
    call.jobs.push_back({waiting.lease, false});
    jobs.push_back(std::move(waiting.job));
  }
  const std::vector<wire::Lease> leases = LeasesOf(call.jobs);
  Report(wire::Claim{welcome_.link, leases}, leases);
  handler_deadline_.reset();
  if (settings_.timeout > Duration::zero()) {
    handler_deadline_ = now + settings_.timeout * static_cast<std::int64_t>(jobs.size());
  }
  call_ = std::move(call);
  actions_.emplace_back(StartProcess{std::move(jobs)});
}

void WorkerCore::ReturnWaiting() { Return(LeasesOf(waiting_.TakeAll())); }

void WorkerCore::AbandonJobs(Instant now) {
  slots_ = 0;
  waiting_.TakeAll();
  unconfirmed_.clear();
  if (!call_ || call_->abandoned) return;
  call_->abandoned = true;
  handler_deadline_ =
      now + std::chrono::milliseconds(std::clamp<std::int64_t>(welcome_.lease_ms, 1, 86'400'000));
  std::vector<JobId> cancelled;
  for (const RunningJob& job : call_->jobs) cancelled.push_back(job.lease.job);
  actions_.emplace_back(CancelJobs{std::move(cancelled)});
}

void WorkerCore::Finished(Result<std::vector<Outcome>> outcomes, Instant now) {
  if (!call_) return;
  const Call call = std::move(*call_);
  call_.reset();
  handler_deadline_.reset();
  busy_ += now - call.started;
  if (phase_ == Phase::kLeft) return;
  if (!call.abandoned) ReportCall(call, std::move(outcomes));
  OfferCredit();
}

void WorkerCore::ReportCall(const Call& call, Result<std::vector<Outcome>> outcomes) {
  if (outcomes && outcomes->size() != call.jobs.size()) {
    outcomes = Fail(ErrorCode::kInternal, "the stage gave " + std::to_string(outcomes->size()) +
                                              " outcomes for " + std::to_string(call.jobs.size()) +
                                              " jobs");
  }
  // Each report has its bounds, however many jobs the call had.
  const auto flush = [&](auto& report) {
    if (report.results.empty()) return;
    const std::vector<wire::Lease> leases = LeasesOf(report.results);
    Report(std::exchange(report, {welcome_.link, {}}), leases);
  };
  std::size_t done_bytes = 0;
  std::size_t failed_bytes = 0;
  std::size_t skipped_bytes = 0;
  const auto add = [&](auto& report, std::size_t& bytes, auto result) {
    const std::size_t size = BytesOf(result);
    if (bytes + size > kResultsBytes || report.results.size() == kResultsCount) {
      flush(report);
      bytes = 0;
    }
    bytes += size;
    report.results.push_back(std::move(result));
  };
  wire::DoneReport done{welcome_.link, {}};
  wire::FailReport failed{welcome_.link, {}};
  wire::SkipReport skipped{welcome_.link, {}};
  std::vector<wire::Lease> returned;
  for (std::size_t i = 0; i < call.jobs.size(); ++i) {
    const wire::Lease& lease = call.jobs[i].lease;
    if (call.jobs[i].revoked) {
      returned.push_back(lease);
      continue;
    }
    if (!outcomes) {
      add(failed, failed_bytes, ToWireFailure(lease, outcomes.error(), false));
      continue;
    }
    WireOutcome outcome =
        ToWire(lease, std::move((*outcomes)[i]),
               static_cast<std::size_t>(std::max<std::int64_t>(welcome_.max_payload, 0)));
    if (auto* result = std::get_if<wire::DoneResult>(&outcome)) {
      add(done, done_bytes, std::move(*result));
    } else if (auto* failure = std::get_if<wire::FailResult>(&outcome)) {
      add(failed, failed_bytes, std::move(*failure));
    } else {
      add(skipped, skipped_bytes, std::get<wire::SkipResult>(std::move(outcome)));
    }
  }
  flush(done);
  flush(failed);
  flush(skipped);
  Return(std::move(returned));
}

// A thread cannot be ended, so the process is. By itself the item is the culprit and fails; in a
// batch nobody knows which is, and the broker tries each `alone`.
void WorkerCore::TimeOut(Instant now) {
  const std::string limit =
      std::to_string(
          std::chrono::duration_cast<std::chrono::milliseconds>(settings_.timeout).count()) +
      " ms";
  if (call_->jobs.size() > 1) {
    return LeaveNow(WorkerExit::kHandlerStuck,
                    "a batch took longer than its items' timeout of " + limit);
  }
  const RunningJob job = call_->jobs.front();
  if (job.revoked) {
    Return({job.lease});
  } else {
    const Error error{ErrorCode::kTimeout, "it took longer than the stage's timeout of " + limit};
    FailJob(ToWireFailure(job.lease, error, false));
  }
  call_->abandoned = true;
  handler_deadline_.reset();
  actions_.emplace_back(CancelJobs{{job.lease.job}});
  Drain(now);
  leave_deadline_ = now + kTimeoutGoodbye;
  leave_as_ = WorkerExit::kHandlerStuck;
  leave_reason_ = "an item took longer than its timeout of " + limit;
}

}  // namespace millrace
