#include "tests/simulation/plan.h"

#include <algorithm>

namespace millrace::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Behaviour DrawBehaviour(Random& random) {
  if (random.Chance(70)) return Behaviour::kOk;
  constexpr Behaviour kRest[] = {
      Behaviour::kUnreadable, Behaviour::kExcluded,    Behaviour::kCorrupt, Behaviour::kFlaky,
      Behaviour::kFlaky,      Behaviour::kAlwaysFlaky, Behaviour::kNotOurs};
  return kRest[random.Below(std::size(kRest))];
}

Tree DrawTree(Random& random, const std::string& name, std::size_t culprits) {
  Tree tree;
  tree.input = "/in/" + name;
  tree.output = "/out/" + name;
  tree.chunk = random.Between(1, 6);
  const std::size_t count = random.Between(1, 14);
  for (std::size_t i = 0; i < count; ++i) {
    Item item;
    item.key = name + (i < 10 ? "0" : "") + std::to_string(i);
    item.behaviour = DrawBehaviour(random);
    item.stage = random.Chance(60) ? kWork : kSave;
    item.payload = random.Below(2000);
    tree.items.push_back(std::move(item));
  }
  constexpr Behaviour kCulprits[] = {Behaviour::kPoison, Behaviour::kPoison,
                                     Behaviour::kEarlyPoison, Behaviour::kHang};
  for (std::size_t i = 0; i < culprits; ++i) {
    tree.items[random.Below(count)].behaviour = kCulprits[random.Below(std::size(kCulprits))];
  }
  return tree;
}

StageConfig DrawStage(Random& random, const std::string& name, int replicas) {
  StageConfig stage;
  stage.name = name;
  stage.executable = name;
  stage.replicas = replicas;
  stage.batch_max = static_cast<int>(random.Between(1, 4));
  stage.batch_delay = random.Chance(50) ? Duration{} : milliseconds(random.Below(40));
  stage.credit = static_cast<int>(random.Between(1, 6));
  stage.lease = seconds(3);
  stage.stall = seconds(random.Between(4, 6));  // over the heartbeat, which tells a frozen process
  stage.claim_deadline = milliseconds(random.Between(100, 1000));
  stage.backoff = milliseconds(200);
  stage.max_attempts = static_cast<int>(random.Between(2, 3));
  stage.drain_timeout = seconds(3);
  stage.budget = static_cast<std::int64_t>(random.Between(1500, 12000));
  stage.max_payload = 2000;
  return stage;
}

WorkerSettings SettingsOf(const StageConfig& stage) {
  WorkerSettings settings;
  settings.batch_max = stage.batch_max;
  settings.batch_delay = stage.batch_delay;
  settings.credit = stage.credit;
  settings.timeout = stage.timeout;
  settings.drain_timeout = stage.drain_timeout;
  return settings;
}

Duration DrawLength(Random& random, Fault kind) {
  switch (kind) {
    case Fault::kFreezeWorker:
    case Fault::kFreezeBroker:
      // Around the heartbeat, the lease, and the time to connect.
      return random.Chance(80) ? random.Between(milliseconds(100), seconds(6))
                               : random.Between(seconds(6), seconds(14));
    case Fault::kSlowDisk:
    case Fault::kHangFolder:
      return random.Between(milliseconds(50), seconds(3));
    default:
      return random.Between(milliseconds(1), seconds(1));
  }
}

}  // namespace

const Item* Tree::Find(const std::string& key) const {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const Item& item) { return item.key == key; });
  return found == items.end() ? nullptr : &*found;
}

Plan::Plan(std::uint64_t seed) {
  Random random(seed);
  const std::size_t culprits = random.Chance(50) ? 0 : random.Between(1, 2);
  trees.push_back(DrawTree(random, "a", culprits));
  if (random.Chance(25)) trees.push_back(DrawTree(random, "b", 0));
  supervised = random.Chance(70);
  rerun = random.Chance(20);
  verify_outputs = random.Chance(20);
  longest_job = random.Chance(80) ? milliseconds(30) : milliseconds(900);
  longest_delay = random.Chance(80) ? milliseconds(2) : milliseconds(150);

  topology.name = "simulated";
  topology.stages.push_back(DrawStage(random, "scan", static_cast<int>(random.Between(1, 2))));
  topology.stages.push_back(DrawStage(random, "work", static_cast<int>(random.Between(1, 3))));
  topology.stages.push_back(DrawStage(random, "save", static_cast<int>(random.Between(1, 2))));
  topology.stages[kScan].batch_max = 1;
  int replicas = 0;
  for (StageConfig& stage : topology.stages) {
    // Over the longest call of an item that returns.
    if (random.Chance(50)) stage.timeout = longest_job + milliseconds(300);
    replicas += stage.replicas;
    workers.push_back(SettingsOf(stage));
  }
  topology.broker.feed_first = 1;
  topology.broker.feed_last = replicas + static_cast<int>(random.Between(1, 3));

  // Some seeds see one kind of fault only, so that what it may cost is judged strictly.
  calm_after = random.Between(milliseconds(200), seconds(4));
  if (random.Chance(15)) return;
  std::vector<Fault> kinds;
  const std::size_t kind_count = random.Chance(40) ? 1 : random.Between(2, 5);
  for (std::size_t i = 0; i < kind_count; ++i) kinds.push_back(Fault(random.Below(kFaults)));
  const std::size_t count = random.Between(1, 8);
  for (std::size_t i = 0; i < count; ++i) {
    PlannedFault fault;
    fault.kind = kinds[random.Below(kinds.size())];
    fault.at = random.Between(Duration{}, calm_after);
    fault.length = DrawLength(random, fault.kind);
    faults.push_back(fault);
  }
  lossy = random.Chance(20);
  sleepy = random.Chance(15);
}

std::size_t Plan::Count(Fault kind) const {
  return static_cast<std::size_t>(std::count_if(
      faults.begin(), faults.end(), [&](const PlannedFault& fault) { return fault.kind == kind; }));
}

bool Plan::Has(Fault kind) const { return Count(kind) > 0; }

}  // namespace millrace::sim
