// One schedule: a broker, its workers, its clients, a supervisor and what goes wrong, all by one
// seed, until every run is done.
#pragma once

#include <spdlog/logger.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/audit.h"
#include "tests/simulation/broker_process.h"
#include "tests/simulation/client.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/plan.h"
#include "tests/simulation/random.h"
#include "tests/simulation/scheduler.h"
#include "tests/simulation/worker_process.h"

namespace millrace::sim {

class World {
 public:
  World(std::uint64_t seed, std::shared_ptr<SQLite::Database> database, bool trace);
  ~World();

  // To the end. Throws Violation.
  void Play();

  const Plan plan;
  Scheduler time;
  Random random;
  Disk disk;
  Audit audit;
  std::shared_ptr<spdlog::logger> log;

  void Trace(const std::string& what) const;
  [[nodiscard]] bool tracing() const { return trace_; }

  // --- the control link, there and back
  void SendRequest(const std::string& identity, wire::RequestEnvelope request);
  void DeliverReply(const std::string& identity, wire::ReplyEnvelope reply);

  // --- processes
  // The broker that lives; nullptr while there is none.
  [[nodiscard]] BrokerProcess* broker() const { return broker_.get(); }
  void KillBroker();
  void WorkerDied(const WorkerProcess& worker, bool expected);
  // The process of that boot lives, and does not hang.
  [[nodiscard]] bool Works(const std::string& boot) const;

  // --- the plan
  [[nodiscard]] const Tree& TreeOf(const std::string& input) const;
  [[nodiscard]] const Item* FindItem(const std::string& input, const std::string& key) const;
  [[nodiscard]] const Item& ItemByKey(const std::string& key) const;
  [[nodiscard]] std::size_t Submissions(const std::string& key) const;
  // True the first time.
  bool FirstTry(const std::string& input, const std::string& key) {
    return tried_.emplace(input, key).second;
  }
  [[nodiscard]] bool calm() const { return calm_; }
  Duration Delay() { return random.Between(std::chrono::microseconds(20), plan.longest_delay); }
  // How long a folder takes for a request.
  Duration FolderDelay(const std::string& output);
  // What may have cost a process beside what the items do.
  [[nodiscard]] std::size_t disturbances() const { return disturbances_; }

 private:
  void StartBroker();
  void StartWorker(StageIndex stage, std::int64_t replica);
  void Apply(const PlannedFault& fault);
  void Calm();
  void Arrive(const std::string& identity, wire::RequestEnvelope request);
  WorkerProcess* AnyWorker();
  [[nodiscard]] bool Over() const;
  [[nodiscard]] std::string Describe() const;

  const bool trace_;
  const Instant began_;
  std::unique_ptr<BrokerProcess> broker_;
  std::vector<std::unique_ptr<BrokerProcess>> dead_brokers_;
  std::uint64_t lives_ = 0;
  std::int64_t last_pid_ = 0;
  std::map<std::pair<StageIndex, std::int64_t>, std::shared_ptr<WorkerProcess>> workers_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::map<std::string, Instant> last_request_;  // by identity: a link keeps its order
  std::set<std::pair<std::string, std::string>> tried_;
  std::map<std::string, Instant> hangs_until_;  // by output
  std::size_t disturbances_ = 0;
  bool calm_ = false;
};

}  // namespace millrace::sim
