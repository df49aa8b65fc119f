#include "tests/simulation/world.h"

#include <algorithm>
#include <cstdio>

#include "common/base/log.h"
#include "tests/simulation/violation.h"

namespace millrace::sim {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

World::World(std::uint64_t seed, std::shared_ptr<SQLite::Database> database, bool trace)
    : plan(seed),
      random(~seed),
      disk(std::move(database)),
      audit(*this),
      log(trace ? MakeLogger("broker", "debug") : NullLogger()),
      trace_(trace),
      began_(time.Now()) {}

World::~World() {
  for (const auto& [place, worker] : workers_) worker->End();
}

void World::Trace(const std::string& what) const {
  if (!trace_) return;
  const auto since = std::chrono::duration<double>(time.Now() - began_).count();
  std::fprintf(stderr, "%10.6f  %s\n", since, what.c_str());
}

void World::Play() {
  StartBroker();
  for (StageIndex stage = 0; stage < kStages; ++stage) {
    for (int replica = 0; replica < plan.topology.stages[stage].replicas; ++replica) {
      time.In(random.Between(Duration{}, milliseconds(50)),
              [this, stage, replica] { StartWorker(stage, replica); });
    }
  }
  for (const Tree& tree : plan.trees) {
    clients_.push_back(std::make_unique<Client>(*this, tree, "c" + tree.input));
    time.In(random.Between(Duration{}, milliseconds(100)),
            [client = clients_.back().get()] { client->Start(); });
  }
  for (const PlannedFault& fault : plan.faults) {
    time.In(fault.at, [this, &fault] { Apply(fault); });
  }
  time.In(plan.calm_after, [this] { Calm(); });
  // Long after the last of them, everything has come to its end.
  const Instant end = began_ + plan.calm_after + minutes(4);
  while (!Over()) {
    Require(time.Step(end), "every run ends once nothing goes wrong any more",
            [&] { return Describe(); });
    dead_brokers_.clear();
  }
}

bool World::Over() const {
  return clients_.size() == plan.trees.size() &&
         std::all_of(clients_.begin(), clients_.end(),
                     [](const auto& client) { return client->done(); });
}

void World::StartBroker() {
  Trace("broker starts");
  broker_ = std::make_unique<BrokerProcess>(*this, ++lives_);
  if (!broker_->Start()) KillBroker();
}

void World::KillBroker() {
  if (broker_ == nullptr) return;
  Trace("broker is gone");
  ++disturbances_;
  broker_->Die();
  // It may be at work further up the stack.
  dead_brokers_.push_back(std::move(broker_));
  time.In(random.Between(milliseconds(20), milliseconds(1500)), [this] {
    if (broker_ == nullptr) StartBroker();
  });
}

void World::StartWorker(StageIndex stage, std::int64_t replica) {
  auto worker = std::make_shared<WorkerProcess>(*this, stage, replica, ++last_pid_);
  workers_[{stage, replica}] = worker;
  worker->Start();
}

void World::WorkerDied(const WorkerProcess& worker, bool expected) {
  if (!expected) audit.Death();
  const wire::Hello& hello = worker.hello();
  const auto replica = hello.replica;
  if (plan.supervised) {
    wire::Exit exit{.stage = hello.stage,
                    .replica = replica,
                    .pid = hello.pid,
                    .host = hello.host,
                    .signal = expected ? 0 : 9,
                    .expected = expected};
    time.In(random.Between(milliseconds(1), milliseconds(30)), [this, exit] {
      SendRequest("supervisor", {1, exit});
    });
  }
  time.In(random.Between(milliseconds(100), milliseconds(700)),
          [this, stage = worker.stage(), replica] { StartWorker(stage, replica); });
}

bool World::Works(const std::string& boot) const {
  return std::any_of(workers_.begin(), workers_.end(), [&](const auto& entry) {
    const WorkerProcess& worker = *entry.second;
    return worker.hello().boot == boot && worker.alive() && !worker.hangs();
  });
}

void World::SendRequest(const std::string& identity, wire::RequestEnvelope request) {
  const bool is_hello = std::holds_alternative<wire::Hello>(request.request);
  if (is_hello && plan.lossy && !calm_) {
    if (random.Chance(20)) return;
    if (random.Chance(20)) {  // said again, and late
      time.In(random.Between(milliseconds(1), seconds(2)),
              [this, identity, request] { Arrive(identity, request); });
    }
  }
  Instant& last = last_request_[identity];
  last = std::max(last, time.Now() + Delay());
  time.At(last, [this, identity, request = std::move(request)]() mutable {
    Arrive(identity, std::move(request));
  });
}

void World::Arrive(const std::string& identity, wire::RequestEnvelope request) {
  if (broker_ == nullptr) return;
  broker_->sockets()->requests.emplace_back(identity, std::move(request));
  broker_->Wake();
}

void World::DeliverReply(const std::string& identity, wire::ReplyEnvelope reply) {
  time.In(Delay(), [this, identity, reply = std::move(reply)]() mutable {
    for (const auto& client : clients_) {
      if (client->identity() == identity) return client->Answered(reply);
    }
    for (const auto& [place, worker] : workers_) {
      if ("w" + std::to_string(worker->hello().pid) == identity) {
        return worker->Answered(std::move(reply));
      }
    }
  });
}

WorkerProcess* World::AnyWorker() {
  std::vector<WorkerProcess*> living;
  for (const auto& [place, worker] : workers_) {
    if (worker->alive()) living.push_back(worker.get());
  }
  return living.empty() ? nullptr : living[random.Below(living.size())];
}

void World::Apply(const PlannedFault& fault) {
  ++disturbances_;
  WorkerProcess* worker = AnyWorker();
  switch (fault.kind) {
    case Fault::kKillWorker:
      if (worker != nullptr) worker->Kill("SIGKILL");
      return;
    case Fault::kLoseReports:
      if (worker == nullptr) return;
      Trace(worker->Name() + " loses its reports link");
      return worker->LoseReports();
    case Fault::kLoseFeed:
      if (worker == nullptr) return;
      Trace(worker->Name() + " loses its feed");
      return worker->LoseFeed();
    case Fault::kFreezeWorker:
      if (worker != nullptr) worker->Freeze(fault.length);
      return;
    case Fault::kFreezeBroker:
      Trace("broker freezes");
      if (broker_ != nullptr) broker_->Freeze(fault.length);
      return;
    case Fault::kKillBroker:
      return KillBroker();
    case Fault::kKillBrokerAtStep:
      if (broker_ != nullptr) broker_->DieAtStep(random.Below(30));
      return;
    case Fault::kFailCommit:
      Trace("the next commit fails");
      disk.commits_to_fail = 1;
      return;
    case Fault::kSlowDisk:
      Trace("the disk is slow");
      disk.slowness = fault.length;
      return;
    case Fault::kCancel:
      return clients_[random.Below(clients_.size())]->Cancel();
    case Fault::kPause:
      return clients_[random.Below(clients_.size())]->Pause(fault.length);
    case Fault::kHangFolder: {
      const std::string& output = plan.trees[random.Below(plan.trees.size())].output;
      Trace("the folder " + output + " hangs");
      hangs_until_[output] = time.Now() + fault.length;
      return;
    }
    case Fault::kDeafWorker:
      if (worker == nullptr) return;
      Trace(worker->Name() + " goes deaf");
      return worker->GoDeaf();
    case Fault::kDrainWorker:
      if (worker != nullptr) worker->Drain();
      return;
  }
}

void World::Calm() {
  Trace("nothing goes wrong from here on");
  calm_ = true;
  disk.commits_to_fail = 0;
  disk.slowness = {};
  hangs_until_.clear();
  if (broker_ != nullptr) broker_->StayAlive();
}

Duration World::FolderDelay(const std::string& output) {
  const Duration delay =
      random.Between(std::chrono::microseconds(10), std::chrono::milliseconds(5));
  const auto hangs = hangs_until_.find(output);
  if (hangs == hangs_until_.end() || hangs->second <= time.Now()) return delay;
  return hangs->second - time.Now() + delay;
}

const Tree& World::TreeOf(const std::string& input) const {
  const auto found = std::find_if(plan.trees.begin(), plan.trees.end(),
                                  [&](const Tree& tree) { return tree.input == input; });
  Require(found != plan.trees.end(), "a job is of a folder that there is", [&] { return input; });
  return *found;
}

const Item* World::FindItem(const std::string& input, const std::string& key) const {
  return TreeOf(input).Find(key);
}

const Item& World::ItemByKey(const std::string& key) const {
  for (const Tree& tree : plan.trees) {
    if (const Item* item = tree.Find(key)) return *item;
  }
  throw Violation("no item " + key);
}

std::size_t World::Submissions(const std::string& key) const {
  for (const auto& client : clients_) {
    if (client->tree().Find(key) != nullptr) return std::max<std::size_t>(client->submissions(), 1);
  }
  return 1;
}

std::string World::Describe() const {
  std::string text;
  for (const auto& client : clients_) text += client->Describe() + "; ";
  if (broker_ == nullptr) return text + "no broker";
  const JobQueue& queue = broker_->broker().queue();
  for (StageIndex stage = 0; stage < kStages; ++stage) {
    const JobQueue::StageTotals totals = queue.Totals(stage, time.Now());
    text += queue.settings()[stage].name + ": " + std::to_string(totals.jobs) + " jobs, " +
            std::to_string(totals.in_flight) + " in flight; ";
  }
  for (const auto& [id, worker] : queue.workers()) {
    text += "incarnation " + std::to_string(id.value()) + " of stage " +
            std::to_string(worker.stage) + ": " + std::to_string(worker.held.size()) + " of " +
            std::to_string(worker.slots) + (worker.reserved ? ", reserved" : "") + "; ";
  }
  for (const auto& [place, worker] : workers_) {
    text += worker->Name() + (worker->linked() ? " is linked; " : " is not linked; ");
  }
  return text;
}

}  // namespace millrace::sim
