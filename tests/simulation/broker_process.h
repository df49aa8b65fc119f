// One life of the broker's process: the real Broker, with simulated sockets and disk.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/env.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/folders.h"
#include "tests/simulation/network.h"

namespace millrace::sim {

class World;

class BrokerProcess final : private BrokerEnv {
 public:
  BrokerProcess(World& world, std::uint64_t life);
  ~BrokerProcess() override;

  // Takes up the state. False where it died at that.
  bool Start();
  // Something has come.
  void Wake();
  // Its process stands still: SIGSTOP, a machine that swaps.
  void Freeze(Duration length);
  // Dies at its n-th step from now: between two things that it asks of the world.
  void DieAtStep(std::size_t steps) { steps_left_ = steps; }
  void StayAlive() { steps_left_.reset(); }
  // SIGKILL.
  void Die();

  [[nodiscard]] bool dead() const { return dead_; }
  [[nodiscard]] bool frozen() const { return frozen_; }
  [[nodiscard]] const std::shared_ptr<BrokerSockets>& sockets() const { return sockets_; }
  [[nodiscard]] const Broker& broker() const { return *broker_; }
  [[nodiscard]] const Folders& folders() const { return *folders_; }

 private:
  struct Crash {};

  void TakeTurn();
  void Poll();
  void Step();

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

  World& world_;
  const std::uint64_t life_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::shared_ptr<BrokerSockets> sockets_;
  std::unique_ptr<DiskWriter> writer_;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<Folders> folders_;
  std::optional<std::size_t> steps_left_;
  std::optional<Instant> deadline_;  // when its wait ends
  bool state_readable_ = false;
  bool folders_readable_ = false;
  bool awake_ = false;  // a turn is about to be taken
  bool frozen_ = false;
  bool dead_ = false;
};

}  // namespace millrace::sim
