// The broker: the loop around the job queue, without the sockets (service.h).
//
// What has come is told to it, and then it takes a turn: acts on links that ended, after draining
// reports once more, since a report can be overtaken by its link's end; lets the queue look at the
// time; feeds the workers; carries out what the queue decided. The rest is in its parts: who is
// here (membership.h), what is on disk (durability.h), what is asked (requests.h), the runs
// (run/runs.h).
//
// No socket, thread, clock, file or environment of its own: the simulation runs it as it is.
#pragma once

#include <spdlog/logger.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/durability.h"
#include "broker/env.h"
#include "broker/feed_proof.h"
#include "broker/job_queue.h"
#include "broker/membership.h"
#include "broker/peer_log.h"
#include "broker/requests.h"
#include "broker/run/runs.h"
#include "broker/sessions.h"
#include "broker/state/state.h"
#include "broker/worker_reports.h"
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
  // `epoch`: of no other broker. The clock and the environment must outlive it.
  Broker(Topology topology, BrokerOptions options, Epoch epoch, const Clock& clock, BrokerEnv& env,
         std::shared_ptr<spdlog::logger> log);

  // First: takes up what earlier brokers left. `state` is the caller's alone meanwhile.
  Result<void> Restore(State& state);
  // Then, once requests can be posted.
  void Start() { runs_.Start(); }

  // --- what has come. Any number of these, then Turn.
  void DrainReports() { reports_.Drain(); }
  // The connection that reports came by has ended.
  void LinkEnded(int link) { membership_.LinkEnded(link); }
  void Requested(const std::string& identity, const wire::RequestEnvelope& request) {
    requests_.Take({identity, request.id}, request.request);
  }
  // A request that cannot be read.
  void MalformedRequest(const std::string& identity, const Error& error) {
    peers_.MalformedRequest(identity, error);
  }
  // The state, or a run's folder, has answered something.
  void OnState() { durability_.OnState(); }
  void OnFolders() { runs_.OnFolders(); }
  // By a signal.
  void OnStopSignal();
  // By another, of somebody who insists: no worker is waited for any more. What is in flight is
  // unfinished, the runs end with their reports, and it leaves, after kHurry whatever happens.
  void OnSecondStopSignal();
  static constexpr Duration kHurry = std::chrono::seconds(5);

  // `deadline`: what NextDeadline said when the wait before this turn began.
  void Turn(std::optional<Instant> deadline);
  [[nodiscard]] std::optional<Instant> NextDeadline() const;
  // It has no more to do.
  [[nodiscard]] bool Finished() const;
  // Its state, where it could not be written.
  [[nodiscard]] const std::optional<Error>& broken() const { return durability_.broken(); }

  [[nodiscard]] const JobQueue& queue() const { return queue_; }
  [[nodiscard]] const Runs& runs() const { return runs_; }

 private:
  enum class Shutdown : std::uint8_t { kNone, kLeave, kStop };

  void TakeTurn();
  void BeginShutdown(Shutdown how);
  void DrainWorkers(Instant now);
  void CarryOut(Action action);
  void SendJobMessage(SendJobs send);

  const Topology topology_;
  const BrokerOptions options_;
  const Epoch epoch_;
  const Clock& clock_;
  BrokerEnv& env_;
  std::shared_ptr<spdlog::logger> log_;

  JobQueue queue_;
  Sessions sessions_;
  Recipes recipes_;  // by stage
  PeerLog peers_;
  Durability durability_;
  FeedProof proof_;
  WorkerReports reports_;
  Runs runs_;
  Membership membership_;
  Requests requests_;

  Shutdown shutdown_ = Shutdown::kNone;
  std::optional<Instant> drain_until_;  // set: workers have been told to leave
  std::optional<Instant> hurry_until_;  // set: it hurries
  bool stop_now_ = false;
};

}  // namespace millrace
