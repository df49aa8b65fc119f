// Random events against WorkerCore, with the promises of its header checked after each.
#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>

#include "tests/common/stage/core_world.h"

namespace millrace {
namespace {

using std::chrono::milliseconds;

// A broker that keeps to the protocol, a network that may lose links at any time, and a handler
// that returns whenever it likes.
class RandomWorld {
 public:
  explicit RandomWorld(std::uint64_t seed)
      : random_(seed),
        world_({.batch_max = static_cast<int>(1 + seed % 4),
                .batch_delay = milliseconds(seed % 3 * 7),
                .credit = static_cast<int>(1 + seed % 7),
                .timeout = milliseconds(seed % 5 == 0 ? 200 : 0),
                .drain_timeout = std::chrono::seconds(3)}) {}

  void Run(int steps) {
    Observe();
    for (int i = 0; i < steps && !left_; ++i) {
      Step();
      Observe();
    }
  }

  // Without further trouble everything ends: what is held is reported and the worker can leave.
  void Finale() {
    if (left_) return;
    world_.core.Drain(world_.clock.Now());
    world_.Settle();
    Observe();
    for (int i = 0; i < 100 && !left_; ++i) {
      if (running_) EndCall();
      ConfirmSome(unconfirmed_.size());
      world_.Advance(milliseconds(10));
      Observe();
    }
    CHECK(left_);
  }

  [[nodiscard]] int calls() const { return calls_; }
  [[nodiscard]] int reported() const { return reported_; }

 private:
  std::uint64_t Below(std::uint64_t bound) { return random_() % bound; }

  void Step() {
    switch (Below(12)) {
      case 0:
      case 1:
        return world_.Advance(milliseconds(Below(60)));
      case 2:
      case 3:
      case 4:
        return SendJobs();
      case 5:
      case 6:
        if (running_) EndCall();
        return;
      case 7:
        return ConfirmSome(1 + Below(5));
      case 8:
        return RevokeSome();
      case 9:
        if (linked_) world_.Receive(wire::BeatReply{world_.link});
        return;
      case 10:
        if (Below(10) == 0) {
          world_.core.LinkLost(world_.clock.Now());
          world_.Settle();
        }
        return Foreign();
      default:
        return Welcome();
    }
  }

  void Welcome() {
    if (hello_ > 0 && !linked_) {
      world_.link.incarnation = IncarnationId(world_.link.incarnation.value() + 1);
      world_.core.Welcomed(hello_, world_.Welcome(), world_.clock.Now());
      world_.Settle();
      if (Below(4) == 0) {
        world_.core.LinkLost(world_.clock.Now());
      } else {
        linked_ = true;
        world_.core.LinksUp(world_.clock.Now());
      }
      world_.Settle();
    }
  }

  void SendJobs() {
    std::vector<std::uint64_t> ids;
    const bool alone = Below(5) == 0 && held_.empty();
    for (std::uint64_t i = Below(4); i > 0; --i) {
      if (!linked_ || static_cast<std::int64_t>(held_.size()) >= slots_) break;
      ids.push_back(++last_job_);
      held_.insert(CoreWorld::LeaseOf(last_job_));
      if (alone) break;
    }
    if (!ids.empty()) world_.SendJobs(ids, alone);
  }

  void RevokeSome() {
    if (!linked_ || held_.empty()) return;
    auto lease = held_.begin();
    std::advance(lease, static_cast<std::ptrdiff_t>(Below(held_.size())));
    world_.Receive(wire::Revoke{world_.link, {*lease}});
  }

  void ConfirmSome(std::size_t count) {
    wire::Confirm confirm{world_.link, {}, {}};
    for (; count > 0 && !unconfirmed_.empty(); --count) {
      confirm.accepted.push_back(unconfirmed_.front());
      unconfirmed_.erase(unconfirmed_.begin());
    }
    if (linked_) world_.Receive(confirm);
  }

  void Foreign() {
    auto message = world_.Jobs({1'000'000 + Below(5)});
    message.link.incarnation = IncarnationId(5'000'000);
    world_.Receive(message);
  }

  void EndCall() {
    std::vector<Outcome> outcomes;
    for (std::size_t i = 0; i < *running_; ++i) {
      switch (Below(3)) {
        case 0:
          outcomes.emplace_back(Done{});
          break;
        case 1:
          outcomes.emplace_back(Failed{});
          break;
        default:
          outcomes.emplace_back(Skipped{"x"});
      }
    }
    running_.reset();
    if (Below(10) == 0) outcomes.resize(outcomes.size() - 1);
    world_.core.Finished(std::move(outcomes), world_.clock.Now());
    world_.Settle();
  }

  // Carries out the actions, and checks each.
  void Observe() {
    for (WorkerAction& action : std::exchange(world_.actions, {})) {
      REQUIRE_FALSE(left_);
      std::visit([this](auto& each) { On(each); }, action);
    }
    REQUIRE(static_cast<std::int64_t>(held_.size()) <= most_slots_);
  }
  void On(SayHello& hello) {
    REQUIRE_FALSE(linked_);
    REQUIRE(hello.attempt >= hello_);
    hello_ = hello.attempt;
  }
  void On(OpenLinks&) {}
  void On(CloseLinks&) {
    linked_ = false;
    slots_ = 0;
    held_.clear();
    claimed_.clear();
    unconfirmed_.clear();
    ++hello_;  // answers to the attempt before it are void
  }
  void On(SendReport& action) {
    REQUIRE(linked_);
    std::visit([this](auto& report) { OnReport(report); }, action.report);
  }
  void On(StartProcess& start) {
    REQUIRE_FALSE(running_.has_value());
    REQUIRE_FALSE(start.jobs.empty());
    REQUIRE(static_cast<int>(start.jobs.size()) <= world_.settings.batch_max);
    std::set<wire::Lease> leases;
    for (const Job& job : start.jobs) leases.insert(CoreWorld::LeaseOf(job.id.value()));
    REQUIRE(leases == last_claim_);  // claimed exactly, just before
    last_claim_.clear();
    running_ = start.jobs.size();
    ++calls_;
  }
  void On(CancelJobs&) {}
  void On(LeaseUntil&) {}
  void On(Leave&) { left_ = true; }

  void OnReport(wire::Credit& report) {
    REQUIRE(report.link == world_.link);
    REQUIRE(report.slots <= world_.settings.credit);
    if (report.slots > 0) REQUIRE_FALSE(running_.has_value());
    slots_ = report.slots;
    most_slots_ = std::max(most_slots_, slots_);
  }
  void OnReport(wire::Claim& report) {
    REQUIRE(report.link == world_.link);
    for (const wire::Lease& lease : report.leases) {
      REQUIRE(held_.contains(lease));
      REQUIRE(claimed_.insert(lease).second);
      unconfirmed_.push_back(lease);
    }
    last_claim_ = {report.leases.begin(), report.leases.end()};
  }
  void OnReport(wire::DoneReport& report) { OnResults(report); }
  void OnReport(wire::FailReport& report) { OnResults(report); }
  void OnReport(wire::SkipReport& report) { OnResults(report); }
  void OnReport(wire::Return& report) {
    REQUIRE(report.link == world_.link);
    for (const wire::Lease& lease : report.leases) OnEnd(lease);
  }
  void OnReport(wire::Beat& report) {
    REQUIRE(report.link == world_.link);
    for (const wire::Lease& lease : report.claimed) REQUIRE(claimed_.contains(lease));
  }
  template <typename Report>
  void OnResults(Report& report) {
    REQUIRE(report.link == world_.link);
    for (const auto& result : report.results) {
      REQUIRE(claimed_.contains(result.lease));
      OnEnd(result.lease);
    }
  }
  // Every job held ends in exactly one report of its incarnation.
  void OnEnd(const wire::Lease& lease) {
    REQUIRE(held_.erase(lease) == 1);
    claimed_.erase(lease);
    unconfirmed_.push_back(lease);
    ++reported_;
  }

  std::mt19937_64 random_;
  CoreWorld world_;
  bool linked_ = false;
  bool left_ = false;
  std::int64_t hello_ = 0;
  std::int64_t slots_ = 0;
  std::int64_t most_slots_ = 0;
  std::uint64_t last_job_ = 0;
  std::set<wire::Lease> held_;
  std::set<wire::Lease> claimed_;
  std::set<wire::Lease> last_claim_;
  std::vector<wire::Lease> unconfirmed_;
  std::optional<std::size_t> running_;
  int calls_ = 0;
  int reported_ = 0;
};

TEST_CASE("whatever happens in whatever order, the worker keeps its promises") {
  int calls = 0;
  int reported = 0;
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    CAPTURE(seed);
    RandomWorld world(seed);
    world.Run(300);
    world.Finale();
    calls += world.calls();
    reported += world.reported();
  }
  // The events do reach the interesting states.
  CHECK(calls > 20000);
  CHECK(reported > 20000);
}

}  // namespace
}  // namespace millrace
