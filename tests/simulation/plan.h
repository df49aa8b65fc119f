// What a seed stands for: a topology, the files there are and how each behaves, and what goes
// wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/job.h"
#include "common/config/topology.h"
#include "common/stage/worker_core.h"
#include "tests/simulation/random.h"

namespace millrace::sim {

inline constexpr StageIndex kScan = 0;
inline constexpr StageIndex kWork = 1;
inline constexpr StageIndex kSave = 2;
inline constexpr std::size_t kStages = 3;

enum class Behaviour {
  kOk,
  kUnreadable,   // the scan names it as failed
  kExcluded,     // the scan names it as skipped
  kCorrupt,      // fails for good
  kFlaky,        // fails once, and may be tried again
  kAlwaysFlaky,  // fails whenever it is tried
  kNotOurs,      // is skipped
  kPoison,       // ends the process that processes it
  kEarlyPoison,  // ends the process that receives it, before it says anything of it
  kHang,         // its Process call never returns
};

struct Item {
  std::string key;
  Behaviour behaviour = Behaviour::kOk;
  StageIndex stage = kWork;  // where it behaves so
  std::size_t payload = 0;   // bytes that work makes of it
};

// One folder, and the run over it.
struct Tree {
  std::string input;
  std::string output;
  std::vector<Item> items;
  std::size_t chunk = 1;  // items of one scan job

  [[nodiscard]] const Item* Find(const std::string& key) const;
};

enum class Fault {
  kKillWorker,
  kLoseReports,  // the reports link breaks
  kLoseFeed,     // the feed breaks, and the worker notices
  kFreezeWorker,
  kFreezeBroker,
  kKillBroker,
  kKillBrokerAtStep,  // in the middle of what it is doing
  kFailCommit,
  kSlowDisk,
  kCancel,
  kPause,
  kDrainWorker,  // told to leave, and replaced
  kHangFolder,   // what is asked of an OUTPUT is answered late
  kDeafWorker,   // the jobs and revokes that it is sent are lost, as long as its incarnation lives
};
inline constexpr std::size_t kFaults = 14;

struct PlannedFault {
  Fault kind = Fault::kKillWorker;
  Duration at{};      // after the start
  Duration length{};  // of a freeze, a slow disk, a pause
};

struct Plan {
  explicit Plan(std::uint64_t seed);

  Topology topology;
  std::vector<WorkerSettings> workers;  // by stage
  std::vector<Tree> trees;
  bool supervised = true;       // somebody tells the broker how a process ended
  bool lossy = false;           // HELLOs are lost and repeated
  bool sleepy = false;          // workers fall asleep before they connect
  bool rerun = false;           // each run is asked for again once it is done
  bool verify_outputs = false;  // outputs of earlier runs are looked for
  Duration longest_job{};       // an item's, of those that return
  Duration longest_delay{};     // of a message
  std::vector<PlannedFault> faults;
  Duration calm_after{};  // from here on nothing goes wrong but what the items do

  [[nodiscard]] bool Has(Fault kind) const;
  [[nodiscard]] std::size_t Count(Fault kind) const;
};

}  // namespace millrace::sim
