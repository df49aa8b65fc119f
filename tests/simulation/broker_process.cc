#include "tests/simulation/broker_process.h"

#include <utility>

#include "common/base/log.h"
#include "tests/simulation/violation.h"
#include "tests/simulation/world.h"

namespace millrace::sim {

using std::chrono::microseconds;
using std::chrono::seconds;

BrokerProcess::BrokerProcess(World& world, std::uint64_t life) : world_(world), life_(life) {
  sockets_ =
      std::make_shared<BrokerSockets>(world.plan, world.time, world.random, [this, alive = alive_] {
        if (*alive) Wake();
      });
  BrokerEnv& env = *this;
  broker_ = std::make_unique<Broker>(world.plan.topology, BrokerOptions{.supervised = true},
                                     Epoch(1000 + life), world.time, env, world.log);
}

BrokerProcess::~BrokerProcess() { Die(); }

bool BrokerProcess::Start() {
  world_.audit.BrokerStarts(*broker_, Epoch(1000 + life_));
  folders_ = std::make_unique<Folders>(world_, [this] {
    folders_readable_ = true;
    Wake();
  });
  std::unique_ptr<State> state = world_.disk.Open();
  const Result<void> restored = broker_->Restore(*state);
  Require(restored.has_value(), "a broker takes up its state",
          [&] { return restored.error().message; });
  DiskWriter::Events events{
      .answered =
          [this](const StateRequest& request, const Result<StateAnswer>& answer) {
            world_.audit.Answered(request, answer);
          },
      .committed = [this](std::uint64_t through) { world_.audit.Committed(through); },
      .readable =
          [this] {
            state_readable_ = true;
            Wake();
          },
  };
  writer_ = std::make_unique<DiskWriter>(world_.disk, std::move(state), world_.time, world_.random,
                                         std::move(events));
  try {
    broker_->Start();
  } catch (const Crash&) {
    Die();
    return false;
  }
  Wake();
  return true;
}

void BrokerProcess::Wake() {
  if (awake_ || frozen_ || dead_) return;
  awake_ = true;
  world_.time.In(microseconds(5 + world_.random.Below(200)), [this, alive = alive_] {
    if (*alive) TakeTurn();
  });
}

void BrokerProcess::TakeTurn() {
  awake_ = false;
  if (frozen_ || dead_) return;
  try {
    Poll();
    broker_->Turn(deadline_);
  } catch (const Crash&) {
    world_.Trace("broker dies in the middle of a turn");
    world_.KillBroker();
    return;
  }
  world_.audit.TurnTaken();
  if (broker_->broken()) {
    Require(world_.disk.commits_failed > 0, "the state takes what the broker asks of it",
            [&] { return broker_->broken()->message; });
  }
  if (broker_->Finished()) {
    world_.Trace("broker leaves");
    world_.KillBroker();
    return;
  }
  deadline_ = broker_->NextDeadline();
  if (!deadline_) return;
  world_.time.At(*deadline_ + microseconds(1), [this, alive = alive_, at = *deadline_] {
    if (*alive && deadline_ == at) Wake();
  });
}

// As the service's loop: in the order of its watches, each as far as it is ready.
void BrokerProcess::Poll() {
  // The monitor may be ready while the reports that came before the link's end are not yet.
  const bool overtaken = !sockets_->ended_links.empty() && world_.random.Chance(50);
  if (!sockets_->reports.empty() && !overtaken) broker_->DrainReports();
  while (!sockets_->ended_links.empty()) {
    broker_->LinkEnded(sockets_->ended_links.front());
    sockets_->ended_links.pop_front();
  }
  while (!sockets_->requests.empty()) {
    auto [identity, request] = std::move(sockets_->requests.front());
    sockets_->requests.pop_front();
    if (const auto* hello = std::get_if<wire::Hello>(&request.request)) {
      world_.audit.HelloTaken(hello->boot);
    }
    broker_->Requested(identity, request);
  }
  if (std::exchange(state_readable_, false)) broker_->OnState();
  if (std::exchange(folders_readable_, false)) broker_->OnFolders();
}

void BrokerProcess::Freeze(Duration length) {
  if (frozen_ || dead_) return;
  frozen_ = true;
  world_.time.In(length, [this, alive = alive_] {
    if (!*alive) return;
    world_.Trace("broker wakes");
    frozen_ = false;
    Wake();
  });
  // Its peers' heartbeats go unanswered.
  const Duration heartbeat =
      world_.plan.topology.broker.heartbeat + world_.random.Between(Duration{}, seconds(1));
  world_.time.In(heartbeat, [this, alive = alive_] {
    if (*alive && frozen_) sockets_->LoseAllLinks();
  });
}

void BrokerProcess::Die() {
  if (dead_) return;
  dead_ = true;
  *alive_ = false;
  sockets_->Die();
  writer_.reset();
  folders_.reset();
}

void BrokerProcess::Step() {
  if (!steps_left_) return;
  if (*steps_left_ == 0) throw Crash{};
  --*steps_left_;
}

Result<std::string> BrokerProcess::OpenFeed(IncarnationId worker, Instant /*now*/) {
  Step();
  Result<std::string> feed = sockets_->OpenFeed(worker);
  if (feed) world_.audit.FeedOpened(worker);
  return feed;
}

void BrokerProcess::CloseFeed(IncarnationId worker) {
  Step();
  for (const auto& [link, report] : sockets_->reports) {
    const wire::Link& of =
        std::visit([](const auto& each) -> const wire::Link& { return each.link; }, report);
    Require(of.incarnation != worker || of.epoch != Epoch(1000 + life_),
            "no incarnation ends while a report of it lies unread");
  }
  world_.audit.FeedClosed(worker);
  sockets_->CloseFeed(worker);
}

void BrokerProcess::SendToFeed(IncarnationId worker, wire::FeedMessage message) {
  Step();
  world_.audit.Sent(worker, message);
  sockets_->SendToFeed(worker, std::move(message));
}

std::vector<IncarnationId> BrokerProcess::UnconnectedFeeds(Instant /*now*/) {
  return sockets_->UnconnectedFeeds();
}

std::optional<Instant> BrokerProcess::NextFeedDeadline() { return sockets_->NextFeedDeadline(); }

Result<std::optional<WorkerLinks::Report>> BrokerProcess::NextReport() {
  world_.audit.ReportTaken();
  if (sockets_->reports.empty()) return std::nullopt;
  Step();
  auto [link, message] = std::move(sockets_->reports.front());
  sockets_->reports.pop_front();
  world_.audit.TakingReport(message);
  return Report{link, std::move(message)};
}

void BrokerProcess::Reply(const std::string& identity, wire::ReplyEnvelope reply) {
  Step();
  world_.DeliverReply(identity, std::move(reply));
}

std::uint64_t BrokerProcess::Post(StateRequest request) {
  Step();
  const StateRequest copy = request;
  const std::uint64_t number = writer_->Post(std::move(request));
  world_.audit.Posted(number, copy);
  return number;
}

StateProgress BrokerProcess::TakeProgress() { return writer_->Take(); }

bool BrokerProcess::StateIdle() const { return writer_->idle(); }

std::uint64_t BrokerProcess::PostToFolder(const std::string& output, FolderRequest request) {
  Step();
  return folders_->Post(output, std::move(request));
}

std::vector<FolderAnswered> BrokerProcess::TakeFolderAnswers() { return folders_->Take(); }

std::int64_t BrokerProcess::UnixSeconds() const {
  return std::chrono::duration_cast<seconds>(world_.time.Now().time_since_epoch()).count();
}

}  // namespace millrace::sim
