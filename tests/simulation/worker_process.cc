// WorkerProcess: the shell around the core, as common/stage/worker_loop.cc.
#include "tests/simulation/worker_process.h"

#include <algorithm>
#include <utility>

#include "tests/simulation/violation.h"
#include "tests/simulation/world.h"

namespace millrace::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// The links of one incarnation, as its worker has them.
class WorkerProcess::Links final : public LinkOwner, public std::enable_shared_from_this<Links> {
 public:
  Links(WorkerProcess& process, wire::Welcome given)
      : process_(process.weak_from_this()), welcome(std::move(given)) {}

  void FeedArrived(wire::FeedMessage message) override {
    if (deaf && (std::holds_alternative<wire::JobMessage>(message) ||
                 std::holds_alternative<wire::Revoke>(message))) {
      return;
    }
    auto shared = std::make_shared<wire::FeedMessage>(std::move(message));
    To(Source::kFeed, [shared](WorkerProcess& process) {
      process.CheckReceived(*shared);
      if (process.alive_) process.core_.Received(std::move(*shared), process.world_.time.Now());
    });
  }
  void LinkUp() override {
    To(Source::kLinks, [this](WorkerProcess& process) {
      if (++up_ == 2) process.core_.LinksUp(process.world_.time.Now());
    });
  }
  void LinkEnded() override {
    To(Source::kLinks,
       [](WorkerProcess& process) { process.core_.LinkLost(process.world_.time.Now()); });
  }

 private:
  template <typename Take>
  void To(Source source, Take take) {
    const auto process = process_.lock();
    if (process == nullptr) return;
    process->Arrive(source, [self = shared_from_this(), take, weak = process_] {
      const auto owner = weak.lock();
      if (owner != nullptr && owner->links_ == self) take(*owner);
    });
  }

  std::weak_ptr<WorkerProcess> process_;
  int up_ = 0;

 public:
  const wire::Welcome welcome;
  bool deaf = false;
  std::shared_ptr<BrokerSockets> sockets;  // those that it reached
  std::shared_ptr<FeedLink> feed;
  std::shared_ptr<ReportsLink> reports;
};

WorkerProcess::WorkerProcess(World& world, StageIndex stage, std::int64_t replica, std::int64_t pid)
    : world_(world),
      stage_(stage),
      settings_(world.plan.workers[stage]),
      core_(settings_, world.time.Now()) {
  hello_.stage = world.plan.topology.stages[stage].name;
  hello_.replica = replica;
  hello_.boot = "boot" + std::to_string(pid);
  hello_.pid = pid;
  hello_.host = "host";
  hello_.recipe = hello_.stage;
}

std::string WorkerProcess::Name() const {
  return hello_.stage + "-" + std::to_string(hello_.replica) + " (" + hello_.boot + ")";
}

void WorkerProcess::Arrive(Source source, std::function<void()> take) {
  if (!alive_) return;
  arrivals_.push_back({source, std::move(take)});
  Wake();
}

void WorkerProcess::Wake() {
  if (awake_ || frozen_ || !alive_) return;
  awake_ = true;
  world_.time.In(microseconds(5 + world_.random.Below(100)), [self = shared_from_this()] {
    self->awake_ = false;
    if (!self->frozen_ && self->alive_) self->Run();
  });
}

void WorkerProcess::Run() {
  std::vector<Arrival> arrivals = std::exchange(arrivals_, {});
  std::stable_sort(arrivals.begin(), arrivals.end(),
                   [](const Arrival& a, const Arrival& b) { return a.source < b.source; });
  for (Arrival& arrival : arrivals) {
    arrival.take();
    if (!alive_) return;
  }
  const Instant now = world_.time.Now();
  const auto ended =
      std::count_if(item_ends_.begin(), item_ends_.end(), [&](Instant end) { return end <= now; });
  core_.SetProgress(progress_ + static_cast<std::uint64_t>(ended));
  core_.Tick(now);
  CarryOut();
  if (!alive_) return;
  timer_ = core_.NextDeadline();
  if (!timer_) return;
  world_.time.At(*timer_, [self = shared_from_this(), at = *timer_] {
    if (self->timer_ == at) self->Wake();
  });
}

void WorkerProcess::WhenAwake(std::function<void()> what) {
  if (!alive_) return;
  if (!frozen_) return what();
  when_awake_.push_back(std::move(what));
}

void WorkerProcess::Freeze(Duration length) {
  if (frozen_ || !alive_) return;
  world_.Trace(Name() + " freezes");
  frozen_ = true;
  const auto self = shared_from_this();
  world_.time.In(length, [self] {
    if (!self->alive_) return;
    self->world_.Trace(self->Name() + " wakes");
    self->frozen_ = false;
    for (auto& what : std::exchange(self->when_awake_, {})) self->WhenAwake(std::move(what));
    self->Wake();
  });
  // Its heartbeats stop.
  const Duration heartbeat =
      world_.plan.topology.broker.heartbeat + world_.random.Between(Duration{}, seconds(1));
  world_.time.In(heartbeat, [self] {
    if (self->frozen_ && self->alive_) self->LoseReports();
  });
}

void WorkerProcess::LoseReports() {
  if (links_ == nullptr || links_->reports == nullptr) return;
  links_->sockets->EndReports(links_->reports, /*lose_tail=*/true);
  // Its own end notices by a heartbeat, at the latest.
  const Duration notice =
      world_.random.Chance(50) ? Duration{} : world_.random.Between(Duration{}, seconds(3));
  world_.time.In(notice, [links = links_] { links->LinkEnded(); });
}

void WorkerProcess::LoseFeed() {
  if (links_ == nullptr || links_->feed == nullptr) return;
  links_->sockets->EndFeed(links_->feed);
}

void WorkerProcess::Drain() {
  if (!alive_ || frozen_) return;
  world_.Trace(Name() + " is told to leave");
  leaving_ = true;
  core_.Drain(world_.time.Now());
  Wake();
}

void WorkerProcess::GoDeaf() {
  if (links_ != nullptr) links_->deaf = true;
}

void WorkerProcess::CloseAll(bool lose_tail) {
  if (links_ == nullptr) return;
  if (links_->feed != nullptr) links_->sockets->EndFeed(links_->feed);
  if (links_->reports != nullptr) links_->sockets->EndReports(links_->reports, lose_tail);
  links_.reset();
}

void WorkerProcess::End() {
  alive_ = false;
  arrivals_.clear();
  when_awake_.clear();
}

void WorkerProcess::Kill(const std::string& what) {
  if (!alive_) return;
  world_.Trace(Name() + " dies: " + what);
  End();
  CloseAll(/*lose_tail=*/true);
  world_.WorkerDied(*this, /*expected=*/false);
}

void WorkerProcess::Answered(wire::ReplyEnvelope reply) {
  Arrive(Source::kControl, [this, reply = std::move(reply)]() mutable {
    if (reply.id != hello_request_) return;
    const Instant now = world_.time.Now();
    if (auto* welcome = std::get_if<wire::Welcome>(&reply.reply)) {
      core_.Welcomed(hello_attempt_, std::move(*welcome), now);
    } else if (const auto* error = std::get_if<wire::ErrorReply>(&reply.reply)) {
      core_.Refused(hello_attempt_, Error{ErrorCodeFromName(error->code), error->text}, now);
    }
  });
}

void WorkerProcess::CarryOut() {
  for (auto actions = core_.TakeActions(); !actions.empty(); actions = core_.TakeActions()) {
    for (WorkerAction& action : actions) {
      std::visit([this](auto& each) { Do(each); }, action);
      if (!alive_) return;
    }
  }
}

void WorkerProcess::Do(SayHello& action) {
  wire::Hello hello = hello_;
  hello.attempt = action.attempt;
  hello_attempt_ = action.attempt;
  world_.SendRequest("w" + std::to_string(hello_.pid), {++hello_request_, std::move(hello)});
}

void WorkerProcess::Do(OpenLinks& action) {
  links_ = std::make_shared<Links>(*this, action.welcome);
  held_.clear();
  credit_ = 0;
  const auto connect = [self = shared_from_this(), links = links_](bool feed) {
    if (self->links_ != links || !self->alive_) return;
    BrokerProcess* broker = self->world_.broker();
    if (broker == nullptr || (links->sockets && links->sockets != broker->sockets())) {
      return links->LinkEnded();
    }
    links->sockets = broker->sockets();
    if (feed) {
      links->feed = links->sockets->ConnectFeed(links->welcome.feed, links);
    } else {
      links->reports = links->sockets->ConnectReports(links);
    }
  };
  for (const bool feed : {true, false}) {
    world_.time.In(world_.Delay(), [self = shared_from_this(), connect, feed] {
      self->WhenAwake([connect, feed] { connect(feed); });
    });
  }
  if (world_.plan.sleepy && !world_.calm() && world_.random.Chance(30)) {
    Freeze(world_.random.Between(seconds(9), seconds(14)));
  }
}

void WorkerProcess::Do(CloseLinks& /*action*/) { CloseAll(/*lose_tail=*/false); }

void WorkerProcess::Do(SendReport& action) {
  if (links_ == nullptr) return;
  if (links_->reports == nullptr || !links_->reports->channel->open()) {
    // ZeroMQ finds out by itself, if not at once.
    if (world_.random.Chance(50)) core_.LinkLost(world_.time.Now());
    return;
  }
  const auto answered = [this](const auto& report) {
    using Report = std::decay_t<decltype(report)>;
    const auto ours = [&](const wire::Lease& lease) {
      Require(std::find(held_.begin(), held_.end(), lease) != held_.end(),
              "a worker begins and ends what was sent to this incarnation of it, once",
              [&] { return Name() + ", job " + std::to_string(lease.job.value()); });
    };
    if constexpr (std::is_same_v<Report, wire::Credit>) {
      credit_ = std::max(credit_, report.slots);
    } else if constexpr (std::is_same_v<Report, wire::Claim>) {
      for (const wire::Lease& lease : report.leases) ours(lease);
    } else if constexpr (std::is_same_v<Report, wire::Return>) {
      for (const wire::Lease& lease : report.leases) std::erase(held_, lease);
    } else if constexpr (std::is_same_v<Report, wire::DoneReport> ||
                         std::is_same_v<Report, wire::FailReport> ||
                         std::is_same_v<Report, wire::SkipReport>) {
      for (const auto& result : report.results) {
        ours(result.lease);
        std::erase(held_, result.lease);
      }
    }
  };
  std::visit(answered, action.report);
  links_->sockets->Report(links_->reports, std::move(action.report));
}

void WorkerProcess::Do(CancelJobs& /*action*/) {}

void WorkerProcess::Do(LeaseUntil& /*action*/) {}

void WorkerProcess::Do(Leave& action) {
  world_.Trace(Name() + " leaves: " + action.reason);
  Require(action.exit != WorkerExit::kCannotStart, "a worker is not refused",
          [&] { return action.reason; });
  End();
  CloseAll(/*lose_tail=*/false);
  if (hangs_) world_.audit.CulpritDeath(hanging_on_);
  world_.WorkerDied(*this, /*expected=*/leaving_);
}

void WorkerProcess::CheckReceived(const wire::FeedMessage& message) {
  const auto* jobs = std::get_if<wire::JobMessage>(&message);
  if (jobs == nullptr || !(jobs->link == links_->welcome.link)) return;
  for (const wire::JobSpec& spec : jobs->jobs) {
    held_.push_back(spec.lease);
    Require(static_cast<std::int64_t>(held_.size()) <= credit_,
            "a worker is never given more jobs than its credit", [&] { return Name(); });
    const Item* item = world_.FindItem(jobs->runs.front().input, spec.key);
    if (item == nullptr) {
      for (const wire::RunSpec& run : jobs->runs) {
        if (item == nullptr) item = world_.FindItem(run.input, spec.key);
      }
    }
    if (item != nullptr && item->behaviour == Behaviour::kEarlyPoison && item->stage == stage_) {
      world_.audit.CulpritDeath(spec.key);
      return Kill("it received " + spec.key);
    }
  }
}

}  // namespace millrace::sim
