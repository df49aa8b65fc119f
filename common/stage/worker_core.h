// WorkerCore: what a worker does, as a pure state machine.
//
// Events and the time go in by method calls; what is to be done comes out of TakeActions, to be
// carried out in order. No socket, no clock, no thread. The shell (worker_loop.h) turns messages
// into events and actions into messages.
//
// The promises it keeps (tests/common/stage/worker_core_test.cc):
//  - Process is never begun while another call runs, and CLAIM of exactly its jobs goes before it;
//  - it never holds more jobs than the credit it gave;
//  - every job it was given ends in exactly one DONE, FAIL, SKIP or RETURN, unless its incarnation
//    ends first: then in none;
//  - nothing of one incarnation is ever reported in another.
//
// The life of the link:    Greeting ──WELCOME──► Connecting ──LinksUp──► Linked
//                              ▲   HELLO, attempt+1    │                    │
//                              └──────── LinkLost ─────┴────────────────────┘
//
// Where the code is: worker_core.cc (the link, beats, leaving), worker_jobs.cc (jobs).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/stage/batcher.h"
#include "common/stage/stage.h"
#include "common/wire/messages.h"

namespace millrace {

struct WorkerSettings {
  int batch_max = 1;
  Duration batch_delay{};
  int credit = 2;      // jobs it may hold: waiting and being processed
  Duration timeout{};  // the longest one item may take; 0: no limit
  Duration drain_timeout = std::chrono::seconds(30);
  // The broker is gone when it has answered nothing for this long, and for three beats.
  Duration silence = std::chrono::milliseconds(600);
  // How long WELCOME's links may take to come up.
  Duration connect_timeout = std::chrono::seconds(5);
  // How long to look for a broker before giving up.
  Duration give_up_after = std::chrono::minutes(10);
};

// Why a worker's process ends: its exit status.
enum class WorkerExit : int {
  kDrained = 0,
  kCannotStart = 2,  // also: refused by the broker
  kLostBroker = 3,
  kHandlerStuck = 4,  // only the end of the process ends a handler that does not return
  kStageBroken = 5,   // Stage::Broken: another process may be able to work
};

struct SayHello {
  std::int64_t attempt = 0;
};
struct OpenLinks {
  wire::Welcome welcome;
};
struct CloseLinks {};
struct SendReport {
  wire::ReportMessage report;
};
// One Process call. Never follows another before Finished has been called.
struct StartProcess {
  std::vector<Job> jobs;
};
// Of the running call: JobContext::Cancelled is true for them from now on.
struct CancelJobs {
  std::vector<JobId> jobs;
};
// JobContext::MayPublish is false after this instant.
struct LeaseUntil {
  Instant instant;
};
struct Leave {
  WorkerExit exit = WorkerExit::kDrained;
  std::string reason;
};

using WorkerAction = std::variant<SayHello, OpenLinks, CloseLinks, SendReport, StartProcess,
                                  CancelJobs, LeaseUntil, Leave>;

class WorkerCore {
 public:
  WorkerCore(WorkerSettings settings, Instant now);

  // --- the link
  // The broker's answers to the HELLO of that attempt; answers to earlier ones are ignored.
  void Welcomed(std::int64_t attempt, wire::Welcome welcome, Instant now);
  // A refusal that cannot pass by waiting (kUsage, kProtocol, kNotFound) ends the worker.
  void Refused(std::int64_t attempt, const Error& error, Instant now);
  // Both links of the last OpenLinks are connected.
  void LinksUp(Instant now);
  // One of them is not, or not any more. Drain the feed first.
  void LinkLost(Instant now);
  void Received(wire::FeedMessage message, Instant now);

  // --- the handler
  // What Process returned, or why it did not.
  void Finished(Result<std::vector<Outcome>> outcomes, Instant now);
  // The handler's signs of life so far, for the next BEAT.
  void SetProgress(std::uint64_t progress) { progress_ = progress; }

  // --- the process
  // Asked to leave: finishes what it processes, gives back what it does not.
  void Drain(Instant now);
  // After every other event of a moment, and when NextDeadline has come.
  void Tick(Instant now);
  [[nodiscard]] std::optional<Instant> NextDeadline() const;
  std::vector<WorkerAction> TakeActions();

  [[nodiscard]] std::uint64_t foreign_jobs() const { return foreign_jobs_; }
  [[nodiscard]] bool linked() const { return phase_ == Phase::kLinked; }

 private:
  enum class Phase { kGreeting, kConnecting, kLinked, kLeft };

  struct RunningJob {
    wire::Lease lease;
    bool revoked = false;
  };
  struct Call {
    std::vector<RunningJob> jobs;
    Instant started;
    bool abandoned = false;  // its incarnation is over: its results are nobody's
  };

  // worker_core.cc
  void Greet(Instant now);
  void SendBeat(Instant now);
  void CheckSilence(Instant now);
  void CheckHandler(Instant now);
  void CheckLeaving(Instant now);
  void LeaveNow(WorkerExit exit, std::string reason);
  void ExtendLease(Instant until);
  [[nodiscard]] Duration SilenceLimit() const;

  // worker_jobs.cc
  void OfferCredit();
  void ReceiveJobs(wire::JobMessage message, Instant now);
  void ReceiveJob(wire::JobSpec spec, Instant now);
  // What to do with a lease that it does not hold.
  enum class Unknown { kIgnore, kReturn };
  void ReceiveRevoke(const std::vector<wire::Lease>& leases, Unknown unknown);
  void ReceiveConfirm(const wire::Confirm& confirm);
  void StartBatch(Instant now);
  void ReturnWaiting();
  void AbandonJobs(Instant now);
  void ReportCall(const Call& call, Result<std::vector<Outcome>> outcomes);
  void TimeOut(Instant now);
  void Return(std::vector<wire::Lease> leases);
  void FailJob(wire::FailResult result);
  // A report about these leases, which the broker will confirm.
  void Report(wire::ReportMessage report, const std::vector<wire::Lease>& leases);
  [[nodiscard]] std::size_t HeldJobs() const;
  [[nodiscard]] bool NoMoreJobs() const;

  const WorkerSettings settings_;
  std::vector<WorkerAction> actions_;

  Phase phase_ = Phase::kGreeting;
  std::int64_t attempt_ = 1;
  Instant hello_at_;
  Instant hello_sent_;
  Duration hello_pause_;
  Instant brokerless_since_;
  Instant connect_deadline_;
  wire::Welcome welcome_;

  std::deque<Instant> beats_unanswered_;  // when each was sent
  Instant next_beat_;
  Instant last_heard_;
  Instant lease_until_;

  std::int64_t slots_ = 0;  // the credit given in this incarnation
  Batcher waiting_;
  std::optional<Call> call_;
  std::optional<Instant> handler_deadline_;
  // Reports that the broker has yet to confirm, by lease: CLAIM and its job's end are two.
  std::map<wire::Lease, int> unconfirmed_;
  std::map<RunId, std::weak_ptr<const RunInfo>> runs_;

  std::optional<Instant> leave_deadline_;  // set: it is draining
  WorkerExit leave_as_ = WorkerExit::kDrained;
  std::string leave_reason_;

  std::uint64_t progress_ = 0;
  Duration busy_{};
  std::uint64_t foreign_jobs_ = 0;
};

}  // namespace millrace
