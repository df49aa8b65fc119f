// One life of a worker's process: the real WorkerCore, with simulated links and a handler that does
// to each item what the plan says.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/stage/worker_core.h"
#include "tests/simulation/network.h"
#include "tests/simulation/plan.h"

namespace millrace::sim {

class World;

class WorkerProcess : public std::enable_shared_from_this<WorkerProcess> {
 public:
  WorkerProcess(World& world, StageIndex stage, std::int64_t replica, std::int64_t pid);

  void Start() { Wake(); }
  // It does nothing more. To be called before it is let go of: what waits in it holds it.
  void End();
  // `what`: for the trace.
  void Kill(const std::string& what);
  void Freeze(Duration length);
  void LoseReports();
  void LoseFeed();
  void GoDeaf();
  // By a signal: finish and leave.
  void Drain();
  void Answered(wire::ReplyEnvelope reply);

  [[nodiscard]] bool alive() const { return alive_; }
  [[nodiscard]] bool frozen() const { return frozen_; }
  [[nodiscard]] bool linked() const { return core_.linked(); }
  [[nodiscard]] StageIndex stage() const { return stage_; }
  [[nodiscard]] const wire::Hello& hello() const { return hello_; }
  // Its handler has not returned from an item that hangs.
  [[nodiscard]] bool hangs() const { return hangs_; }
  [[nodiscard]] std::string Name() const;

 private:
  class Links;
  // What a poll loop's watches have for it, in the order in which they are looked at.
  enum class Source { kHandler, kControl, kFeed, kLinks };
  struct Arrival {
    Source source;
    std::function<void()> take;
  };

  void Arrive(Source source, std::function<void()> take);
  void Wake();
  void Run();
  // Now, or when it is awake again.
  void WhenAwake(std::function<void()> what);
  void CarryOut();
  void Do(SayHello& action);
  void Do(OpenLinks& action);
  void Do(CloseLinks& action);
  void Do(SendReport& action);
  void Do(StartProcess& action);
  void Do(CancelJobs& action);
  void Do(LeaseUntil& action);
  void Do(Leave& action);
  void CloseAll(bool lose_tail);
  void CheckReceived(const wire::FeedMessage& message);

  // The handler.
  Outcome Process(const Job& job);
  Outcome Scan(const Job& job);
  [[nodiscard]] const Item* ItemOf(const Job& job) const;

  World& world_;
  const StageIndex stage_;
  const WorkerSettings settings_;
  WorkerCore core_;
  wire::Hello hello_;
  std::uint64_t hello_request_ = 0;
  std::int64_t hello_attempt_ = 0;
  std::shared_ptr<Links> links_;
  std::vector<Arrival> arrivals_;
  std::vector<std::function<void()>> when_awake_;
  std::optional<Instant> timer_;
  bool awake_ = false;  // about to run
  bool alive_ = true;
  bool frozen_ = false;
  bool hangs_ = false;
  bool leaving_ = false;
  std::string hanging_on_;
  std::uint64_t progress_ = 0;
  std::vector<std::string> in_call_;
  std::vector<Instant> item_ends_;  // of the running call
  // What the incarnation holds by its own account, against the credit that it gave.
  std::vector<wire::Lease> held_;
  std::int64_t credit_ = 0;
};

}  // namespace millrace::sim
