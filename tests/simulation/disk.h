// A simulated disk: the real state on SQLite in memory. Requests are executed and committed by the
// real group commit, after a simulated fsync; what was not committed when the broker dies is gone.
#pragma once

#include <SQLiteCpp/Database.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "broker/state/group_commit.h"
#include "broker/state/state.h"
#include "tests/simulation/plan.h"
#include "tests/simulation/random.h"
#include "tests/simulation/scheduler.h"

namespace millrace::sim {

// What outlives a broker.
class Disk {
 public:
  // The tables are made once and emptied for each schedule.
  explicit Disk(std::shared_ptr<SQLite::Database> database);
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  static std::shared_ptr<SQLite::Database> MakeDatabase();

  [[nodiscard]] std::unique_ptr<State> Open() const;

  Duration slowness{};              // added to each fsync
  std::size_t commits_to_fail = 0;  // the next ones
  std::size_t commits_failed = 0;

 private:
  std::shared_ptr<SQLite::Database> database_;
};

// One broker's use of it, in place of StateThread.
class DiskWriter {
 public:
  struct Events {
    // Before each answer is told: what was asked, and the answer.
    std::function<void(const StateRequest&, const Result<StateAnswer>&)> answered;
    std::function<void(std::uint64_t through)> committed;
    std::function<void()> readable;  // Take has something
  };
  DiskWriter(Disk& disk, std::unique_ptr<State> state, Scheduler& time, Random& random,
             Events events);
  ~DiskWriter() { *alive_ = false; }

  std::uint64_t Post(StateRequest request);
  StateProgress Take();
  [[nodiscard]] bool idle() const { return taken_ == posted_; }

 private:
  void Begin();
  void Sync();

  Disk& disk_;
  GroupCommit commit_;
  Scheduler& time_;
  Random& random_;
  Events events_;
  std::deque<GroupCommit::Posted> waiting_;
  std::deque<GroupCommit::Posted> batch_;  // being written
  StateProgress progress_;
  std::uint64_t posted_ = 0;
  std::uint64_t taken_ = 0;
  bool writing_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::sim
