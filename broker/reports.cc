// JobQueue: what workers say about the jobs they hold.
#include <algorithm>
#include <iterator>
#include <utility>

#include "broker/job_queue.h"
#include "common/base/path_below.h"
#include "common/base/result.h"
#include "common/payload/meta.h"
#include "common/wire/codec.h"
#include "common/wire/paths.h"
#include "common/wire/token.h"

namespace millrace {
namespace {

// A cursor goes into the head of the next chunk's message, which a worker must be able to read.
constexpr std::size_t kMaxCursorBytes = 1u << 20;

std::string Cut(std::string text) {
  if (text.size() > wire::kMaxTextBytes) text.resize(wire::kMaxTextBytes);
  return text;
}

// A code as the broker takes it. One that is no word, an exception's text, say, would be a key of
// the report: the item then fails by `protocol`, and what was given stands in its text.
std::string TakeCode(const std::string& code, std::string& text) {
  if (wire::IsToken(code)) return code;
  text = Cut(wire::InvalidToken("code", code) + (text.empty() ? "" : ": " + text));
  return "protocol";
}

void TakeFound(wire::FoundItem& found) {
  if (const auto* next = std::get_if<wire::FoundItem::Next>(&found.what)) {
    if (!IsPathBelow(found.key)) {
      found.what = wire::FoundItem::Fail{"protocol", wire::NoKey(found.key)};
    } else if (next->meta.size() > kMaxMetaBytes) {
      found.what = wire::FoundItem::Fail{"protocol", "the scanner's meta is over its limit"};
    }
  } else if (auto* fail = std::get_if<wire::FoundItem::Fail>(&found.what)) {
    fail->code = TakeCode(fail->code, fail->text);
  } else if (const auto& reason = std::get<wire::FoundItem::Skip>(found.what).reason;
             !wire::IsToken(reason)) {
    found.what = wire::FoundItem::Fail{"protocol", wire::InvalidToken("reason to skip it", reason)};
  }
}

}  // namespace

void JobQueue::Claimed(IncarnationId id, std::span<const wire::Lease> leases, Instant now) {
  Worker* worker = workers_.Find(id);
  if (worker == nullptr) return;
  SendConfirm confirm{id, {}, {}};
  for (const wire::Lease& lease : leases) {
    const auto found = jobs_.find(lease.job);
    const bool latest = found != jobs_.end() && worker->Holds(lease) &&
                        found->second.delivery == lease.delivery &&
                        found->second.state == JobState::kSent;
    if (!latest) {
      confirm.stale.push_back(lease);
      ++stale_reports_;
      continue;
    }
    Job& job = found->second;
    SetState(job, JobState::kClaimed);
    worker->Answered(lease);  // it crossed a REVOKE: as a claimed job it has its lease
    job.call_size = leases.size();
    SetDeadline(job, now + settings_[job.stage].lease);
    if (worker->claimed++ == 0) {
      worker->busy_since = now;
      worker->last_progress = now;
    }
    confirm.accepted.push_back(lease);
  }
  Confirm(std::move(confirm));
}

void JobQueue::Finished(IncarnationId id, std::vector<wire::DoneResult> results, Instant now) {
  Worker* worker = workers_.Find(id);
  if (worker == nullptr) return;
  SendConfirm confirm{id, {}, {}};
  for (wire::DoneResult& result : results) {
    Job* job = ReleaseLease(*worker, result.lease, confirm, now);
    if (job == nullptr) continue;
    worker->ended_a_job = true;
    crash_loops_.Success(worker->stage, worker->replica);
    auto* scan = std::get_if<wire::ScanResult>(&result.what);
    const bool is_scan = job->id == runs_.at(job->run).scan_job;
    if (is_scan != (scan != nullptr)) {
      EndItem(*job, ItemOutcome::kFailed, "protocol",
              is_scan ? "the scanner answered a scan with an item's result"
                      : "a worker answered an item with a scan's result",
              now);
    } else if (scan != nullptr) {
      FinishScan(*job, std::move(*scan), id, confirm, now);
    } else {
      FinishItem(*job, std::move(std::get<wire::ItemResult>(result.what)), now);
    }
  }
  Confirm(std::move(confirm));
}

JobQueue::Job* JobQueue::ReleaseLease(Worker& worker, const wire::Lease& lease,
                                      SendConfirm& confirm, Instant now) {
  const bool held = worker.Release(lease);
  if (held && worker.alone_job == lease.job) worker.alone_job = JobId();
  const auto found = jobs_.find(lease.job);
  if (!held || found == jobs_.end() || found->second.delivery != lease.delivery) {
    confirm.stale.push_back(lease);
    ++stale_reports_;
    return nullptr;
  }
  Job& job = found->second;
  ReleaseClaim(worker, job, now);
  confirm.accepted.push_back(lease);
  return &job;
}

void JobQueue::ReleaseClaim(Worker& worker, const Job& job, Instant now) {
  if (job.state != JobState::kClaimed || job.holder != worker.id || worker.claimed == 0) return;
  if (--worker.claimed == 0) stages_[worker.stage].busy += now - worker.busy_since;
}

bool JobQueue::TakeRecord(Job& job, wire::Record record, Instant now) {
  if (record.name.empty()) return true;
  if (!wire::IsRecordName(record.name)) {
    EndItem(job, ItemOutcome::kFailed, "protocol", wire::InvalidRecordName(record.name), now);
    return false;
  }
  if (record.line.find('\n') != std::string::npos) {
    EndItem(job, ItemOutcome::kFailed, "protocol", "its record is not one line", now);
    return false;
  }
  job.records.push_back({std::move(record.name), std::move(record.line)});
  return true;
}

bool JobQueue::TakeWarnings(Job& job, std::vector<std::string> warnings, Instant now) {
  const auto none = std::find_if_not(warnings.begin(), warnings.end(), wire::IsToken);
  if (none != warnings.end() || warnings.size() > wire::kMaxWarnings) {
    EndItem(job, ItemOutcome::kFailed, "protocol",
            none != warnings.end()
                ? wire::InvalidToken("warning", *none)
                : "it has " + std::to_string(warnings.size()) + " warnings; the most is " +
                      std::to_string(wire::kMaxWarnings),
            now);
    return false;
  }
  std::move(warnings.begin(), warnings.end(), std::back_inserter(job.warnings));
  return true;
}

bool JobQueue::TakeOutputs(Job& job, std::vector<wire::OutputFile> outputs, Instant now) {
  for (const wire::OutputFile& file : outputs) {
    if (wire::IsOutputPath(file.path)) continue;
    EndItem(job, ItemOutcome::kFailed, "protocol", wire::NoOutputPath(file.path), now);
    return false;
  }
  std::move(outputs.begin(), outputs.end(), std::back_inserter(job.outputs));
  return true;
}

void JobQueue::FinishItem(Job& job, wire::ItemResult result, Instant now) {
  const std::size_t bytes = PayloadBytes(result.payload);
  const std::size_t cap = settings_[job.stage].max_payload;
  if (bytes > cap) {
    EndItem(job, ItemOutcome::kFailed, std::string(ErrorCodeName(ErrorCode::kTooLarge)),
            "the result of " + std::to_string(bytes) + " bytes is over max_payload (" +
                std::to_string(cap) + ")",
            now);
    return;
  }
  if (!TakeWarnings(job, std::move(result.warnings), now)) return;
  if (!TakeRecord(job, std::move(result.record), now)) return;
  if (!TakeOutputs(job, std::move(result.outputs), now)) return;
  if (job.stage + 1 == settings_.size()) {
    return EndItem(job, ItemOutcome::kOk, "", "", now);
  }
  Run& run = runs_.at(job.run);
  if (run.phase != RunPhase::kActive) {
    RemoveJob(job.id);
    return CheckRunEnd(run);
  }
  Job next;
  next.run = job.run;
  next.stage = job.stage + 1;
  next.key = std::move(job.key);
  next.meta = std::move(result.meta);
  next.payload = std::move(result.payload);
  next.warnings = std::move(job.warnings);
  next.records = std::move(job.records);
  next.outputs = std::move(job.outputs);
  if (job.later && job.later->stage == next.stage) {
    next.marks = *job.later;
  } else {
    next.later = job.later;
  }
  RemoveJob(job.id);
  Enqueue(AddJob(std::move(next)), /*fresh=*/true);
}

void JobQueue::FinishScan(Job& job, wire::ScanResult result, IncarnationId worker,
                          SendConfirm& confirm, Instant now) {
  if (result.next_cursor && result.next_cursor->size() > kMaxCursorBytes) {
    return EndItem(job, ItemOutcome::kFailed, "protocol",
                   "the scanner's cursor has " + std::to_string(result.next_cursor->size()) +
                       " bytes, over the limit of " + std::to_string(kMaxCursorBytes),
                   now);
  }
  Run& run = runs_.at(job.run);
  // Accepted, and confirmed once the chunk is recorded: with `verify_outputs` that may be long
  // after what else this report brings.
  const wire::Lease lease = confirm.accepted.back();
  confirm.accepted.pop_back();
  RemoveJob(job.id);
  run.scan_job = JobId();
  for (wire::FoundItem& found : result.found) TakeFound(found);
  run.recording = true;
  actions_.emplace_back(ScanFound{.scan = {.run = run.id,
                                           .found = std::move(result.found),
                                           .next_cursor = std::move(result.next_cursor),
                                           .exhaustive = result.exhaustive},
                                  .worker = worker,
                                  .lease = lease});
}

void JobQueue::ScanRecorded(RunId id, struct ScanRecorded recorded, Instant now) {
  const auto found = runs_.find(id);
  if (found == runs_.end() || !found->second.recording) return;
  Run& run = found->second;
  run.recording = false;
  run.counts.Add(recorded.counts);
  if (recorded.counts.scanned > 0 && !run.first_found) run.first_found = now;
  if (recorded.counts.ended() > 0) run.last_ended = now;
  if (!recorded.next_cursor) run.scan_ended = run.scan_complete = true;
  // Those of a run that is stopping stay open, on disk.
  if (run.phase == RunPhase::kActive) {
    AddItems(run, std::move(recorded.open));
    if (recorded.next_cursor) AddScanJob(run, std::move(*recorded.next_cursor));
  }
  CheckStopRule(run, now);
  CheckRunEnd(run);
}

void JobQueue::Failed(IncarnationId id, std::span<const wire::FailResult> results, Instant now) {
  Worker* worker = workers_.Find(id);
  if (worker == nullptr) return;
  SendConfirm confirm{id, {}, {}};
  for (const wire::FailResult& result : results) {
    Job* job = ReleaseLease(*worker, result.lease, confirm, now);
    if (job == nullptr) continue;
    worker->ended_a_job = true;
    crash_loops_.Success(worker->stage, worker->replica);
    std::string text = result.text;
    const std::string code = TakeCode(result.code, text);
    if (result.retryable) {
      FailAttempt(*job, code, text, result.record, now);
    } else {
      job->marks.attempts += 1;
      if (!TakeRecord(*job, result.record, now)) continue;
      EndItem(*job, ItemOutcome::kFailed, code, text, now);
    }
  }
  Confirm(std::move(confirm));
}

void JobQueue::FailAttempt(Job& job, const std::string& code, const std::string& text,
                           const wire::Record& record, Instant now) {
  if (runs_.at(job.run).phase != RunPhase::kActive) return Requeue(job);  // not tried again
  job.marks.attempts += 1;
  const StageSettings& settings = settings_[job.stage];
  if (job.marks.attempts >= settings.max_attempts) {
    if (TakeRecord(job, record, now)) EndItem(job, ItemOutcome::kFailed, code, text, now);
    return;
  }
  Mark(job);
  SetState(job, JobState::kBackoff);
  const int doublings = std::min(job.marks.attempts - 1, 10);
  SetDeadline(job, now + settings.backoff * (1 << doublings));
}

void JobQueue::Skipped(IncarnationId id, std::span<const wire::SkipResult> results, Instant now) {
  Worker* worker = workers_.Find(id);
  if (worker == nullptr) return;
  SendConfirm confirm{id, {}, {}};
  for (const wire::SkipResult& result : results) {
    Job* job = ReleaseLease(*worker, result.lease, confirm, now);
    if (job == nullptr) continue;
    worker->ended_a_job = true;
    crash_loops_.Success(worker->stage, worker->replica);
    if (job->id == runs_.at(job->run).scan_job) {
      EndItem(*job, ItemOutcome::kFailed, "protocol", "the scanner skipped a scan chunk", now);
    } else if (!wire::IsToken(result.reason)) {
      EndItem(*job, ItemOutcome::kFailed, "protocol",
              wire::InvalidToken("reason to skip it", result.reason), now);
    } else {
      EndItem(*job, ItemOutcome::kSkipped, result.reason, "", now);
    }
  }
  Confirm(std::move(confirm));
}

void JobQueue::Returned(IncarnationId id, std::span<const wire::Lease> leases, Instant now) {
  Worker* worker = workers_.Find(id);
  if (worker == nullptr) return;
  SendConfirm confirm{id, {}, {}};
  for (const wire::Lease& lease : leases) {
    Job* job = ReleaseLease(*worker, lease, confirm, now);
    if (job != nullptr && job->InFlight()) Requeue(*job);
  }
  Confirm(std::move(confirm));
}

void JobQueue::Beat(IncarnationId id, std::uint64_t progress, std::span<const wire::Lease> claimed,
                    Instant now) {
  Worker* worker = workers_.Find(id);
  if (worker == nullptr) return;
  worker->last_beat = now;
  if (progress != worker->progress) {
    worker->progress = progress;
    worker->last_progress = now;
  }
  for (const wire::Lease& lease : claimed) {
    const auto found = jobs_.find(lease.job);
    if (found == jobs_.end()) continue;
    Job& job = found->second;
    if (job.state == JobState::kClaimed && job.holder == id && job.delivery == lease.delivery) {
      SetDeadline(job, now + settings_[job.stage].lease);
    }
  }
}

void JobQueue::Confirm(SendConfirm confirm) {
  if (confirm.accepted.empty() && confirm.stale.empty()) return;
  actions_.emplace_back(std::move(confirm));
}

}  // namespace millrace
