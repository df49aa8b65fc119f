// The broker: everything around the job queue that decides, without the sockets (service.h).
//
// What has come is told to it, and then it takes a turn: acts on links that ended, after draining
// reports once more, since a report can be overtaken by its link's end; lets the queue look at the
// time; feeds the workers; carries out what the queue decided. No socket, thread or clock of its
// own: the simulation runs it as it is.
//
// Nobody is told of what is not on disk: confirmations wait for the commit of all that was decided
// before them. Where the state cannot be written, the broker takes no more work, says so, and
// leaves.
#pragma once

#include <spdlog/logger.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "broker/ended_items.h"
#include "broker/job_queue.h"
#include "broker/malformed_log.h"
#include "broker/ports.h"
#include "broker/repeated_log.h"
#include "broker/report.h"
#include "broker/sessions.h"
#include "broker/state/requests.h"
#include "broker/state/state.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/config/topology.h"
#include "common/wire/messages.h"

namespace millrace {

struct BrokerOptions {
  // Runs that an earlier broker left unfinished wait until somebody submits them again.
  bool hold = false;
  // A supervisor starts it and ends runs by request: a signal stops them too, with their reports.
  // Else a signal leaves them to the next broker.
  bool supervised = false;
};

class Broker {
 public:
  // `epoch`: of no other broker. The clock and the ports must outlive it.
  Broker(Topology topology, BrokerOptions options, Epoch epoch, const Clock& clock,
         BrokerPorts& ports, std::shared_ptr<spdlog::logger> log);
  ~Broker();

  // First: takes up what earlier brokers left. `state` is the caller's alone meanwhile.
  Result<void> Restore(State& state);
  // Then, once requests can be posted.
  void Start();

  // --- what has come. Any number of these, then Turn.
  void DrainReports();
  // The connection that reports came by has ended.
  void LinkEnded(int link);
  void Requested(const std::string& identity, wire::RequestEnvelope request);
  // TakeProgress has something.
  void OnState();
  // By a signal.
  void ToldToStop();
  // By another, of somebody who insists: no worker is waited for any more. What is in flight is
  // unfinished, the runs end with their reports, and it leaves, after kHurry whatever happens.
  void ToldToHurry();
  static constexpr Duration kHurry = std::chrono::seconds(5);
  // How long a worker that has given credit is waited for to prove that its feed carries what is
  // sent. Doubled for each incarnation of its process before that did not, up to the longest.
  static constexpr Duration kProof = std::chrono::seconds(2);
  static constexpr Duration kLongestProof = std::chrono::minutes(5);
  // So many in a row: somebody has to look at the network.
  static constexpr int kMostUnheard = 5;
  // A request that cannot be read.
  void MalformedRequest(const std::string& identity, const Error& error);

  // `deadline`: what NextDeadline said when the wait before this turn began.
  void Turn(std::optional<Instant> deadline);
  [[nodiscard]] std::optional<Instant> NextDeadline() const;
  // It has no more to do.
  [[nodiscard]] bool Over() const;
  // Its state, where it could not be written.
  [[nodiscard]] const std::optional<Error>& broken() const { return broken_; }

  [[nodiscard]] const JobQueue& queue() const { return queue_; }

 private:
  struct KeptSubmit {
    std::string identity;
    std::uint64_t number = 0;
    wire::Submit submit;
  };
  // A run, beside what the queue knows of it.
  struct RunFiles {
    wire::RunSpec spec;
    RunOrder order;
    std::shared_ptr<const void> folder;  // holds OUTPUT while it is not over
    bool has_history = false;            // its start needs every stage's recipe
    State::StartAs start_as = State::StartAs::kSubmitted;
    bool starting = false;          // the state has been asked from where it goes on
    bool closing = false;           // its report is being written
    bool pausing = false;           // no more is sent of it; it is paused once the rest is in
    bool paused = false;            // the queue knows nothing of it
    bool resume_wanted = false;     // as soon as it is paused
    std::string remark;             // as RunStatus::remark
    wire::RunStatus last_status;    // of one that the queue does not know
    std::vector<KeptSubmit> kept;   // of the same order, for when it is over
    std::optional<RetryRun> retry;  // what made it go on, where that was a retry
    std::vector<JobQueue::StageTotals> baseline;  // when its first item was found
    bool has_baseline = false;
    std::optional<EndedItems> ended;              // where somebody wants to be told
    std::optional<wire::RunStatus> final_status;  // set when it has ended
  };
  struct Waiter {
    std::string identity;
    std::uint64_t request = 0;
    RunId run;
  };
  struct Asker {
    std::string identity;
    std::uint64_t number = 0;
  };
  // What makes the state open a run.
  using Opener = std::variant<OpenRun, RetryRun>;
  // A run that is being opened, and who asked for it: one whose request came twice, or several who
  // want the same.
  struct Opening {
    Opener opener;
    std::vector<Asker> askers;
  };
  // What a request is answered with; nothing: later.
  using Answer = std::optional<wire::ControlReply>;

  using Done = std::function<void(Result<StateAnswer>)>;
  // A confirmation, and the last request to the state that was made before it.
  struct HeldConfirm {
    std::uint64_t after = 0;
    SendConfirm confirm;
  };
  struct HeldReply {
    std::uint64_t after = 0;
    std::string identity;
    std::uint64_t request = 0;
    wire::ControlReply reply;
  };

  // broker.cc
  void TakeTurn();
  // RunResult::kStopped ends the runs with their reports; kPaused leaves them to the next broker.
  void BeginShutdown(RunResult result, const std::string& why);
  void SendWorkersAway(Instant now);
  [[nodiscard]] bool ShutdownDone() const;

  // intake.cc
  void TakeCredit(IncarnationId worker, std::int64_t slots, Instant now);
  void FeedProven(IncarnationId worker, Instant now);
  // Lets those that gave no proof have one job.
  void TrustUnproven(Instant now);
  // An incarnation ends; notes whether its feed ever carried anything.
  void NoteProof(IncarnationId worker);
  void EndLostLinks();
  void EndIncarnationNow(IncarnationId worker);
  void TakeReport(int link, wire::ReportMessage report);
  void Malformed(const std::string& peer, const Error& error);
  // Logs what a peer can bring about as often as it likes; the first `lines` of a kind in any case.
  void WarnRepeated(const std::string& kind, const std::string& line, std::uint64_t lines = 1);

  // carry_out.cc
  void CarryOut(std::vector<Action> actions);
  // What the run's first chunks told of what was done before.
  void TakeRemark(RunId run, const ScanRecorded& recorded);
  void SendJobMessage(const SendJobs& send);
  void Send(const SendConfirm& confirm);
  // What is to be told of it once it is on disk, where somebody asks.
  Done TellEnded(const ItemEnded& ended);
  Done RecordScanned(const RecordScan& scan);

  // durable.cc
  void RestoreRun(RunRow row);
  // `done` is called with the answer once it is on disk; never, where the state breaks before.
  void Post(StateRequest request, Done done = nullptr);
  void ForgetOldRuns();
  void Broke(const Error& error);
  // What a worker of the stage says it works by; a refusal where others say otherwise.
  std::optional<wire::ErrorReply> TakeRecipe(StageIndex stage, const wire::Hello& hello);
  // Confirmations and replies about what is on disk by now.
  void TellWhatIsDurable();
  // The answer to a request that has been acted on, once all that was posted for it is on disk.
  Answer OnceDurable(const std::string& identity, std::uint64_t request, wire::ControlReply reply);
  // Asks from where the run goes on, once all that needs to be known for that is; or, `anyway`,
  // only what there is of it: it is to end before it has begun.
  void StartWhenKnown(RunId run, bool anyway = false);
  [[nodiscard]] std::int64_t UnixSeconds() const;

  // orders.cc
  Answer Take(const wire::Submit& submit, const std::string& identity, std::uint64_t request);
  Answer Take(const wire::RetryRequest& retry, const std::string& identity, std::uint64_t request);
  Answer Take(const wire::CancelRequest& cancel, const std::string& identity,
              std::uint64_t request);
  Answer Take(const wire::PauseRequest& pause, const std::string& identity, std::uint64_t request);
  Answer Take(const wire::ResumeRequest& resume, const std::string& identity,
              std::uint64_t request);
  // Opens a run in the state, and answers with its id.
  Answer OpenInState(Opener opener, const std::string& identity, std::uint64_t number);
  void OnOpenedInState(const std::string& output, std::shared_ptr<const void> folder,
                       Result<StateAnswer> answer);

  // control.cc
  Answer Take(const wire::Hello& hello, const std::string& identity, std::uint64_t request);
  Answer Take(const wire::Exit& exit, const std::string& identity, std::uint64_t request);
  Answer Take(const wire::LostRequest& lost, const std::string& identity, std::uint64_t request);
  Answer Take(const wire::StatusRequest& status, const std::string& identity,
              std::uint64_t request);
  Answer Take(const wire::WaitRequest& wait, const std::string& identity, std::uint64_t request);
  Answer Take(const wire::FailuresRequest& failures, const std::string& identity,
              std::uint64_t request);
  Answer Take(const wire::EndedRequest& ended, const std::string& identity, std::uint64_t request);
  Answer Take(const wire::BackupRequest& backup, const std::string& identity,
              std::uint64_t request);
  Answer Take(const wire::ShutdownRequest& shutdown, const std::string& identity,
              std::uint64_t request);
  void Reply(const std::string& identity, std::uint64_t request, wire::ControlReply reply);
  [[nodiscard]] std::optional<StageIndex> FindStage(std::string_view name) const;
  [[nodiscard]] wire::RunStatus StatusOf(RunId id, const RunFiles& files) const;
  std::vector<wire::StageStatus> StageStatuses();

  // runs.cc
  // The run of the output that is not over; nullptr where there is none.
  RunFiles* LiveRunInto(const std::string& output);
  void Opened(const RunOpened& opened, std::shared_ptr<const void> folder, State::StartAs how);
  void AddToQueue(RunId run);
  // Resumes a paused run; an error where its folder is not there any more.
  Result<void> GoOn(RunFiles& files);
  void Resume(RunFiles& files);
  // Holds the folder that a run has written to; kNotFound where its path leads to none or another.
  Result<std::shared_ptr<const void>> HoldItsFolder(const RunOrder& order);
  // It was stopped before it had begun, by whoever: what there is of it is asked for, so that it
  // ends.
  void EndUnbegun();
  [[nodiscard]] static bool IsEnding(const Run* run);
  void TakeBaselines();
  void OnRunEnded(RunId run);
  void Close(RunId run);
  void AnswerWaiters(RunId run);
  [[nodiscard]] RunReport ReportOf(const Run& run, const RunFiles& files) const;

  Topology topology_;
  const BrokerOptions options_;
  const Clock& clock_;
  BrokerPorts& ports_;
  std::shared_ptr<spdlog::logger> log_;

  std::map<std::uint64_t, Done> asked_;  // of the state, and not answered
  std::uint64_t last_posted_ = 0;
  std::uint64_t durable_ = 0;  // of what was posted
  std::deque<HeldConfirm> held_confirms_;
  std::map<std::string, Opening> opening_;  // by output
  std::deque<HeldReply> held_replies_;
  Recipes recipes_;              // by stage
  std::optional<Error> broken_;  // the state: nothing is taken or confirmed any more
  Instant broken_until_;         // when it leaves over that

  const Epoch epoch_;
  std::uint64_t last_incarnation_ = 0;
  JobQueue queue_;
  Sessions sessions_;
  std::map<RunId, RunFiles> runs_;
  std::vector<Waiter> waiters_;
  std::vector<int> ended_links_;
  std::set<IncarnationId> unproven_;  // that were asked for a proof, and live
  MalformedLog malformed_;
  RepeatedLog repeated_;

  std::vector<JobQueue::StageTotals> last_totals_;  // for the recent busy share
  Instant last_totals_at_;
  std::vector<JobQueue::StageTotals> previous_totals_;
  Instant previous_totals_at_;

  bool shutting_down_ = false;
  RunResult shutdown_result_ = RunResult::kStopped;
  bool drain_sent_ = false;
  bool stop_now_ = false;
  Instant drain_until_;
  std::optional<Instant> hurry_until_;  // set: it hurries
};

}  // namespace millrace
