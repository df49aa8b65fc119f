// The broker: sockets, clock and files around the job queue.
//
// One thread. A turn of its loop: wait; take everything that the sockets have; act on links that
// ended, after draining `reports` once more, since a report can be overtaken by its link's end; let
// the queue look at the time; feed the workers; carry out what the queue decided.
#pragma once

#include <spdlog/logger.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/feeds.h"
#include "broker/job_queue.h"
#include "broker/ledger.h"
#include "broker/sessions.h"
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

class Broker {
 public:
  // Binds its sockets. kUnavailable where the addresses are taken: another broker of this topology
  // may be running.
  static Result<std::unique_ptr<Broker>> Create(Topology topology, const Clock& clock,
                                                SignalFd signals,
                                                std::shared_ptr<spdlog::logger> log);
  ~Broker();

  // Serves until it is told to shut down (a ShutdownRequest, SIGTERM or SIGINT) and its workers
  // have left. A second signal returns at once.
  Result<void> Serve();

 private:
  // A run, beside what the queue knows of it.
  struct RunFiles {
    wire::RunSpec spec;
    std::unique_ptr<RunLedger> ledger;
    std::string trouble;                          // a file that could not be written
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

  Broker(Topology topology, const Clock& clock, SignalFd signals,
         std::shared_ptr<spdlog::logger> log, net::Context context);
  Result<void> Open();

  // broker.cc
  void Turn();
  void OnSignals();
  void BeginShutdown(const std::string& why);
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

  // control.cc
  void DrainControl();
  Answer Take(const wire::Hello& hello, const std::string& identity, std::uint64_t request);
  Answer Take(const wire::Exit& exit, const std::string& identity, std::uint64_t request);
  Answer Take(const wire::Submit& submit, const std::string& identity, std::uint64_t request);
  Answer Take(const wire::StatusRequest& status, const std::string& identity,
              std::uint64_t request);
  Answer Take(const wire::WaitRequest& wait, const std::string& identity, std::uint64_t request);
  Answer Take(const wire::CancelRequest& cancel, const std::string& identity,
              std::uint64_t request);
  Answer Take(const wire::FailuresRequest& failures, const std::string& identity,
              std::uint64_t request);
  Answer Take(const wire::ShutdownRequest& shutdown, const std::string& identity,
              std::uint64_t request);
  void Reply(const std::string& identity, std::uint64_t request, wire::ControlReply reply);
  [[nodiscard]] std::optional<StageIndex> FindStage(std::string_view name) const;
  [[nodiscard]] wire::RunStatus StatusOf(RunId id, const RunFiles& files) const;
  std::vector<wire::StageStatus> StageStatuses();

  // runs.cc
  void Record(RunId run, const Result<void>& written);
  void TakeBaselines();
  void CloseRun(RunId run);
  void AnswerWaiters(RunId run);
  [[nodiscard]] RunReport ReportOf(const Run& run, const RunFiles& files) const;

  Topology topology_;
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
  bool drain_sent_ = false;
  bool stop_now_ = false;
  Instant drain_until_;
};

}  // namespace millrace
