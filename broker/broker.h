// The broker: sockets, clock and files around the job queue.
//
// One thread, beside the state's (state/state_thread.h). A turn of its loop: wait; take everything
// that the sockets have; act on links that ended, after draining `reports` once more, since a
// report can be overtaken by its link's end; let the queue look at the time; feed the workers;
// carry out what the queue decided.
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
#include <string>
#include <vector>

#include "broker/feeds.h"
#include "broker/job_queue.h"
#include "broker/run_files.h"
#include "broker/sessions.h"
#include "broker/state/state_thread.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/config/topology.h"
#include "common/net/context.h"
#include "common/net/monitor.h"
#include "common/net/poll_loop.h"
#include "common/net/socket.h"
#include "common/os/file_lock.h"
#include "common/os/signals.h"
#include "common/wire/codec.h"

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
  // Opens its state and binds its sockets. kUnavailable where the addresses or the state are taken:
  // another broker of this topology may be running.
  static Result<std::unique_ptr<Broker>> Create(Topology topology, BrokerOptions options,
                                                const Clock& clock, SignalFd signals,
                                                std::shared_ptr<spdlog::logger> log);
  ~Broker();

  // Serves until it is told to shut down (a ShutdownRequest, SIGTERM or SIGINT) and its workers
  // have left. A second signal returns at once. kWriteFailed where its state broke.
  Result<void> Serve();

 private:
  // A run, beside what the queue knows of it.
  struct RunFiles {
    wire::RunSpec spec;
    RunOrder order;
    std::optional<RunFolder> folder;  // while it is not over
    bool has_history = false;         // its start needs every stage's recipe
    State::StartAs start_as = State::StartAs::kSubmitted;
    bool starting = false;        // the state has been asked from where it goes on
    bool pausing = false;         // no more is sent of it; it is paused once the rest is in
    bool paused = false;          // the queue knows nothing of it
    bool resume_wanted = false;   // as soon as it is paused
    wire::RunStatus last_status;  // of a paused run
    std::vector<JobQueue::StageTotals> baseline;  // when its first item was found
    bool has_baseline = false;
    std::optional<wire::RunStatus> final_status;  // set when it has ended
  };
  struct Waiter {
    std::string identity;
    std::uint64_t request = 0;
    RunId run;
  };
  // What a request is answered with; nothing: later.
  using Answer = std::optional<wire::ControlReply>;

  using Done = std::function<void(Result<StateAnswer>)>;
  // A confirmation, and the last request to the state that was made before it.
  struct HeldConfirm {
    std::uint64_t after = 0;
    SendConfirm confirm;
  };

  Broker(Topology topology, BrokerOptions options, const Clock& clock, SignalFd signals,
         std::shared_ptr<spdlog::logger> log, net::Context context);
  Result<void> Open();
  Result<void> OpenSockets();

  // broker.cc
  void Turn();
  void OnSignals();
  // RunResult::kStopped ends the runs with their reports; kPaused leaves them to the next broker.
  void BeginShutdown(RunResult result, const std::string& why);
  void SendWorkersAway(Instant now);
  [[nodiscard]] bool ShutdownDone() const;
  [[nodiscard]] std::optional<Instant> NextDeadline() const;

  // intake.cc
  void DrainReports();
  void DrainMonitor();
  void EndLostLinks();
  void EndIncarnationNow(IncarnationId worker);
  void TakeReport(const net::Received& received);
  void Malformed(const std::string& peer, const Error& error);

  // carry_out.cc
  void CarryOut(std::vector<Action> actions);
  void SendJobMessage(const SendJobs& send);
  void Send(const SendConfirm& confirm);

  // durable.cc
  Result<void> OpenState();
  void RestoreRun(RunRow row, const Recipes& recipes);
  // `done` is called with the answer once it is on disk; never, where the state breaks before.
  void Post(StateRequest request, Done done = nullptr);
  void ForgetOldRuns();
  void OnState();
  void Broke(const Error& error);
  // What a worker of the stage says it works by; a refusal where others say otherwise.
  std::optional<wire::ErrorReply> TakeRecipe(StageIndex stage, const wire::Hello& hello);
  // Confirmations of what is on disk by now.
  void SendConfirms();
  // Asks from where the run goes on, once all that needs to be known for that is. `anyway`: for a
  // run that is to end before it has begun.
  void StartWhenKnown(RunId run, bool anyway = false);
  [[nodiscard]] std::int64_t UnixSeconds() const;

  // control.cc
  void DrainControl();
  Answer Take(const wire::Hello& hello, const std::string& identity, std::uint64_t request);
  Answer Take(const wire::Exit& exit, const std::string& identity, std::uint64_t request);
  Answer Take(const wire::Submit& submit, const std::string& identity, std::uint64_t request);
  Answer Take(const wire::RetryRequest& retry, const std::string& identity, std::uint64_t request);
  Answer Take(const wire::PauseRequest& pause, const std::string& identity, std::uint64_t request);
  Answer Take(const wire::ResumeRequest& resume, const std::string& identity,
              std::uint64_t request);
  Answer Take(const wire::BackupRequest& backup, const std::string& identity,
              std::uint64_t request);
  Answer Take(const wire::StatusRequest& status, const std::string& identity,
              std::uint64_t request);
  Answer Take(const wire::WaitRequest& wait, const std::string& identity, std::uint64_t request);
  Answer Take(const wire::CancelRequest& cancel, const std::string& identity,
              std::uint64_t request);
  Answer Take(const wire::FailuresRequest& failures, const std::string& identity,
              std::uint64_t request);
  Answer Take(const wire::ShutdownRequest& shutdown, const std::string& identity,
              std::uint64_t request);
  // Opens a run in the state, and answers with its id.
  Answer OpenInState(StateRequest request, const std::string& output, State::StartAs how,
                     const std::string& identity, std::uint64_t number);
  void Reply(const std::string& identity, std::uint64_t request, wire::ControlReply reply);
  [[nodiscard]] std::optional<StageIndex> FindStage(std::string_view name) const;
  [[nodiscard]] wire::RunStatus StatusOf(RunId id, const RunFiles& files) const;
  std::vector<wire::StageStatus> StageStatuses();

  // runs.cc
  // The run of the output that is not over; nullptr where there is none.
  RunFiles* LiveRunInto(const std::string& output);
  void Opened(const RunOpened& opened, RunFolder folder, State::StartAs how);
  void AddToQueue(RunId run);
  void Resume(RunFiles& files);
  void TakeBaselines();
  void OnRunEnded(RunId run);
  void Close(RunId run);
  void AnswerWaiters(RunId run);
  [[nodiscard]] RunReport ReportOf(const Run& run, const RunFiles& files) const;

  Topology topology_;
  const BrokerOptions options_;
  const Clock& clock_;
  SignalFd signals_;
  std::shared_ptr<spdlog::logger> log_;
  std::optional<FileLock> lock_;

  net::Context context_;
  net::PollLoop loop_;
  std::optional<net::Socket> control_;
  std::optional<net::Socket> reports_;
  std::optional<net::Monitor> monitor_;
  Feeds feeds_;

  std::optional<FileLock> state_lock_;
  std::unique_ptr<StateThread> state_;
  std::map<std::uint64_t, Done> asked_;  // of the state, and not answered
  std::uint64_t last_posted_ = 0;
  std::uint64_t durable_ = 0;  // of what was posted
  std::deque<HeldConfirm> held_confirms_;
  Recipes recipes_;              // by stage
  std::optional<Error> broken_;  // the state: nothing is taken or confirmed any more
  Instant broken_until_;         // when it leaves over that

  Epoch epoch_;
  std::uint64_t last_incarnation_ = 0;
  JobQueue queue_;
  Sessions sessions_;
  std::map<RunId, RunFiles> runs_;
  std::vector<Waiter> waiters_;
  std::vector<int> ended_links_;
  std::map<std::string, Instant> malformed_logged_;
  std::uint64_t malformed_ = 0;
  std::string reports_name_;

  std::vector<JobQueue::StageTotals> last_totals_;  // for the recent busy share
  Instant last_totals_at_;
  std::vector<JobQueue::StageTotals> previous_totals_;
  Instant previous_totals_at_;

  bool shutting_down_ = false;
  RunResult shutdown_result_ = RunResult::kStopped;
  bool drain_sent_ = false;
  bool stop_now_ = false;
  Instant drain_until_;
};

}  // namespace millrace
