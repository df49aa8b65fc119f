// The queue: which job is where, who may have it next, and what becomes of it.
//
// A pure state machine. Events and the time go in by method calls; what is to be done comes out of
// TakeActions, to be carried out in order. No socket, no clock, no thread, no file: the same events
// at the same times give the same actions, which is what the tests and the simulation rest on.
//
// The promises it keeps (docs/guarantees.md):
//  - every item that is to be done gets exactly one ItemEnded, whatever happens to workers;
//  - a report counts only if its lease is the job's latest; anything else changes nothing;
//  - a worker never holds more jobs than the credit it gave;
//  - an attempt is charged only to a job that failed, or died claimed and alone, or lost its worker
//    while it was marked `alone`.
//
// Where the code is: job_queue.cc (runs, jobs, counters), reports.cc (what workers say),
// dispatch.cc (who gets what), losses.cc (workers that are gone), timers.cc, invariants.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/actions.h"
#include "broker/crash_loop.h"
#include "broker/fair_queue.h"
#include "broker/job.h"
#include "broker/records.h"
#include "broker/run_state.h"
#include "broker/worker_table.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/wire/messages.h"

namespace millrace {

struct StageSettings {
  std::string name;
  Duration lease = std::chrono::seconds(30);          // a claimed job without a beat for this long
  Duration stall = std::chrono::minutes(5);           // a handler without progress for this long
  Duration claim_deadline = std::chrono::seconds(1);  // a sent job that another could begin now
  Duration backoff = std::chrono::milliseconds(200);  // before the second attempt; then doubling
  int max_attempts = 3;
  std::size_t budget = 256u << 20;      // bytes of the jobs at this stage
  std::size_t max_payload = 64u << 20;  // bytes of one job
};

// A process that went away without saying goodbye: said HELLO again within this time, it only lost
// its link; else it is dead.
inline constexpr Duration kLossGrace = std::chrono::seconds(2);
inline constexpr int kMaxLinkLosses = 20;  // of one job; then it is given up as lost-worker
// How long the end of a dead process's link is awaited: its last reports may still be under way.
inline constexpr Duration kDeathGrace = std::chrono::seconds(1);
// A worker that has just joined is still connecting, however short its lease is.
inline constexpr Duration kFirstBeat = std::chrono::seconds(10);

class JobQueue {
 public:
  using Job = QueuedJob;

  explicit JobQueue(std::vector<StageSettings> stages);

  // --- runs -----------------------------------------------------------------------------------
  // From what the state has told of it. RunEnded follows, sooner or later.
  void StartRun(RunId run, const StopRule& stop_rule, RunStart start, Instant now);
  // A ScanFound has been carried out.
  void ScanRecorded(RunId run, struct ScanRecorded recorded, Instant now);
  // Sends nothing more of the run, takes back what has not begun and the chunk of a scan that has,
  // and ends it once the rest is in. One that is pausing may be stopped for good.
  void StopRun(RunId run, RunResult result, std::string reason, Instant now);
  // Likewise, to be started again.
  void PauseRun(RunId run, Instant now);
  // Forgets a run that has ended.
  void DropRun(RunId run);

  // --- workers --------------------------------------------------------------------------------
  // A process of the same `boot` that had been lost is thereby known to live.
  void Join(IncarnationId worker, StageIndex stage, std::int64_t replica, std::string boot,
            Instant now);
  void SetCredit(IncarnationId worker, std::size_t slots, Instant now);
  // Its link is gone; why is not known yet.
  void LinkLost(IncarnationId worker, Instant now);
  // Its process has ended, not having been asked to. `what`: "was killed by signal 9 (Killed)".
  void ProcessDied(IncarnationId worker, std::string what, Instant now);
  // The process of a lost worker has ended: as ProcessDied, for one whose link went first.
  void LostProcessDied(std::string_view boot, std::string what, Instant now);
  // A process of the stage ended before it had said HELLO.
  void StillbornDied(StageIndex stage, std::int64_t replica, std::string what, Instant now);
  // Incarnation after incarnation of the replica has answered nothing that was sent to it. Unless
  // others of its stage work, the runs end: nobody else would do what is to be done.
  void CutOff(StageIndex stage, std::int64_t replica, const std::string& what, Instant now);
  // It has been told to leave and has left.
  void Leave(IncarnationId worker, Instant now);

  // --- reports --------------------------------------------------------------------------------
  void Claimed(IncarnationId worker, std::span<const wire::Lease> leases, Instant now);
  void Finished(IncarnationId worker, std::vector<wire::DoneResult> results, Instant now);
  void Failed(IncarnationId worker, std::span<const wire::FailResult> results, Instant now);
  void Skipped(IncarnationId worker, std::span<const wire::SkipResult> results, Instant now);
  void Returned(IncarnationId worker, std::span<const wire::Lease> leases, Instant now);
  void Beat(IncarnationId worker, std::uint64_t progress, std::span<const wire::Lease> claimed,
            Instant now);

  // --- time -----------------------------------------------------------------------------------
  // Acts on what is due. To be called after the sockets are drained, never before.
  void Tick(Instant now);
  // The broker itself slept (a frozen machine, a long pause): nobody is to blame for that time.
  void ExtendDeadlines(Duration gap);
  // When Tick is next needed; nullopt: not before another event.
  [[nodiscard]] std::optional<Instant> NextDeadline() const;

  // Feeds workers as far as credit and budgets allow. Call it once after a batch of events.
  void Dispatch(Instant now);
  std::vector<Action> TakeActions();

  // --- looking --------------------------------------------------------------------------------
  [[nodiscard]] const Job* FindJob(JobId job) const;
  [[nodiscard]] const Run* FindRun(RunId run) const;
  [[nodiscard]] const std::map<RunId, Run>& runs() const { return runs_; }
  [[nodiscard]] const std::map<IncarnationId, Worker>& workers() const { return workers_.all(); }
  [[nodiscard]] const std::vector<StageSettings>& settings() const { return settings_; }

  struct StageTotals {
    std::size_t jobs = 0;
    std::size_t in_flight = 0;
    std::size_t bytes = 0;
    Duration busy{0};     // of all its workers inside Process, ever
    Duration present{0};  // of all its workers joined, ever
  };
  [[nodiscard]] StageTotals Totals(StageIndex stage, Instant now) const;
  // What does not hold that should between any two events; nothing where all does (invariants.cc).
  // For tests and the simulation: it looks at every job.
  [[nodiscard]] std::optional<std::string> BrokenInvariant() const;
  // Reports and claims about leases that were not the latest, so far.
  [[nodiscard]] std::uint64_t stale_reports() const { return stale_reports_; }

 private:
  struct StageState {
    FairQueue ready;
    std::deque<FairQueue::Entry> alone;  // ready, each to be processed by itself
    std::size_t jobs = 0;
    std::size_t in_flight = 0;
    std::size_t bytes = 0;
    Duration busy{0};
    Duration present{0};
  };

  // A worker that is gone, while it is not known whether its process is.
  struct Loss {
    std::uint64_t id = 0;
    Worker worker;
    Instant due;                   // no HELLO by then: it is dead
    std::vector<JobId> held;       // would be charged for a death; they wait for the verdict
    std::vector<JobId> suspects;   // of a batch: requeued at once, `alone`
    std::vector<JobId> unclaimed;  // not begun: requeued at once
  };

  // job_queue.cc
  Job& AddJob(Job job);
  void RemoveJob(JobId job);
  void SetState(Job& job, JobState state);
  // Puts it in its stage's queue: at the back if it is new, else before all others of its run.
  void Enqueue(Job& job, bool fresh);
  void AddScanJob(Run& run, std::string cursor);
  void AddItems(Run& run, std::vector<OpenItem> items);
  // What an item has been through is to survive the broker.
  void Mark(const Job& job);
  void EndScan(Run& run, const Job& job, const std::string& why);
  void EndItem(Job& job, ItemOutcome outcome, std::string code, std::string text, Instant now);
  void CountEnded(Run& run, ItemEnded ended, Instant now);
  // Stops the run where its failures are enough. After the whole of a result is taken in: a run
  // that ends meanwhile would have the rest of the result after its end.
  void CheckStopRule(Run& run, Instant now);
  void CheckRunEnd(Run& run);
  // Stops it by the queue's own decision.
  void GiveUp(Run& run, std::string reason, Instant now);
  void StopAllRuns(const std::string& reason, Instant now);
  void Drain(Run& run, Instant now);
  void DropWaitingJobs(Run& run, Instant now);

  // reports.cc
  // Frees the worker's slot. The job, if the lease is its latest; nullptr (stale) otherwise.
  Job* ReleaseLease(Worker& worker, const wire::Lease& lease, SendConfirm& confirm, Instant now);
  void FinishItem(Job& job, wire::ItemResult result, Instant now);
  // False where a warning is no word, the record no line of a file that may be named so, or an
  // output not below OUTPUT: the job has then ended as failed.
  bool TakeWarnings(Job& job, std::vector<std::string> warnings, Instant now);
  bool TakeRecord(Job& job, wire::Record record, Instant now);
  bool TakeOutputs(Job& job, std::vector<wire::OutputFile> outputs, Instant now);
  void FinishScan(Job& job, wire::ScanResult result, IncarnationId worker, SendConfirm& confirm,
                  Instant now);
  void ReleaseClaim(Worker& worker, const Job& job, Instant now);
  void FailAttempt(Job& job, const std::string& code, const std::string& text,
                   const wire::Record& record, Instant now);
  void Confirm(SendConfirm confirm);

  // dispatch.cc
  void DispatchStage(StageIndex stage, Instant now);
  bool DispatchAlone(StageIndex stage, Instant now);
  [[nodiscard]] bool MayFeed(StageIndex stage, RunId run) const;
  [[nodiscard]] bool UnderShare(StageIndex stage, RunId run) const;
  void Send(Worker& worker, Job& job, Instant now);
  void RevokeSent(Job& job);
  // As many messages as it takes.
  void EmitSends(IncarnationId worker, const std::vector<JobId>& jobs);
  static wire::JobSpec SpecOf(const Job& job);

  // losses.cc
  void RemoveWorker(Worker& worker, Instant now);
  void Requeue(Job& job);
  void PutAside(Worker& worker, Instant now);
  void JudgeDead(Loss loss, const std::string& what, Instant now);
  void JudgeAlive(const Loss& loss, Instant now);
  void CountLinkLoss(JobId job, Instant now);
  void ChargeDeath(Job& job, const std::string& what, Instant now);
  void ReportCrashLoop(StageIndex stage, std::int64_t replica, const std::string& what,
                       Instant now);
  void EndWorker(IncarnationId worker, std::string reason, Instant now);

  // timers.cc
  void SetDeadline(Job& job, Instant deadline);
  void ClearDeadline(Job& job);
  void Ring(Job& job, Instant now);
  void ClaimOverdue(Job& job, Instant now);
  void LeaseOver(Job& job, Instant now);
  [[nodiscard]] Instant SilentAt(const Worker& worker) const;
  void CheckWorkers(Instant now);

  std::vector<StageSettings> settings_;
  std::vector<StageState> stages_;
  std::map<RunId, Run> runs_;
  std::unordered_map<JobId, Job> jobs_;
  WorkerTable workers_;
  std::vector<Loss> losses_;
  CrashLoopDetector crash_loops_;
  std::set<std::pair<Instant, JobId>> timers_;  // (deadline, id) of each job that has a deadline
  std::vector<Action> actions_;
  std::map<IncarnationId, std::vector<JobId>> sends_;  // of the dispatch under way
  std::uint64_t next_job_ = 1;
  std::uint64_t next_loss_ = 1;
  std::uint64_t stale_reports_ = 0;
};

}  // namespace millrace
