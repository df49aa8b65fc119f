// The broker's process: sockets, disk and signals around a Broker.
//
// One thread, beside the state's (state/state_thread.h) and one for each run's folder
// (folder_threads.h). Its loop: wait; tell the broker everything that the sockets and the others
// have; let it take its turn.
#pragma once

#include <spdlog/logger.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/env.h"
#include "broker/feeds.h"
#include "broker/folder_threads.h"
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

namespace millrace {

class BrokerService final : private BrokerEnv {
 public:
  // Opens its state and binds its sockets. kUnavailable where the addresses or the state are taken:
  // another broker of this topology may be running.
  static Result<std::unique_ptr<BrokerService>> Create(Topology topology, BrokerOptions options,
                                                       const Clock& clock, SignalFd signals,
                                                       std::shared_ptr<spdlog::logger> log);
  ~BrokerService() override;

  // Serves until it is told to shut down (a ShutdownRequest or a signal) and its workers have left.
  // A second SIGTERM or SIGINT (StopSignals) waits for no worker: it only writes the reports.
  // kWriteFailed if its state broke.
  Result<void> Serve();

 private:
  BrokerService(Topology topology, const Clock& clock, SignalFd signals,
                std::shared_ptr<spdlog::logger> log, net::Context context);
  Result<void> Open(BrokerOptions options);
  Result<void> OpenState();
  Result<void> OpenSockets();
  void DrainMonitor();
  void DrainControl();
  void OnSignals();

  Result<std::string> OpenFeed(IncarnationId worker, Instant now) override;
  void CloseFeed(IncarnationId worker) override;
  void SendToFeed(IncarnationId worker, wire::FeedMessage message) override;
  std::vector<IncarnationId> UnconnectedFeeds(Instant now) override;
  std::optional<Instant> NextFeedDeadline() override;
  Result<std::optional<Report>> NextReport() override;
  void Reply(const std::string& identity, wire::ReplyEnvelope reply) override;
  std::uint64_t Post(StateRequest request) override;
  StateProgress TakeProgress() override;
  [[nodiscard]] bool StateIdle() const override;
  std::uint64_t PostToFolder(const std::string& output, FolderRequest request) override;
  std::vector<FolderAnswered> TakeFolderAnswers() override;
  [[nodiscard]] std::int64_t UnixSeconds() const override;

  const Topology topology_;
  const Clock& clock_;
  SignalFd signals_;
  StopSignals stop_signals_;
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
  std::unique_ptr<FolderThreads> folders_;
  std::unique_ptr<Broker> broker_;
};

}  // namespace millrace
