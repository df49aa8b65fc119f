// Leases: which reports count, and what time does.
#include <doctest/doctest.h>

#include "tests/broker/queue_world.h"

using namespace millrace;
using namespace millrace::testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

struct OneItem : QueueWorld {
  OneItem() {
    run = AddRun();
    const IncarnationId scanner = Join(kScan);
    FinishScan(scanner, {"a"});
    queue.Leave(scanner, now);
  }
  RunId run;
};

}  // namespace

TEST_CASE("a beat keeps the leases that it names") {
  OneItem world;
  const IncarnationId worker = world.Join(kWork);
  const std::vector<wire::Lease> leases = world.ClaimAll(worker);
  for (int i = 1; i <= 10; ++i) {
    world.Advance(seconds(20));
    world.Beat(worker, static_cast<std::uint64_t>(i), leases);
  }
  CHECK(world.cut.empty());
  world.FinishItem(worker, leases[0]);
  CHECK(world.accepted.back() == leases[0]);
}

TEST_CASE("a worker that sends no beat for its lease is cut off and the job goes elsewhere") {
  OneItem world;
  const IncarnationId frozen = world.Join(kWork, 2, 0);
  world.ClaimAll(frozen);
  world.Advance(seconds(30));
  CHECK(world.cut == std::vector<IncarnationId>{frozen});
  world.Advance(kLossGrace);  // it does not come back: it is taken for dead
  world.Advance(milliseconds(200));
  const IncarnationId other = world.Join(kWork, 2, 1);
  CHECK(world.Held(other).size() == 1);
}

TEST_CASE("a lease that the worker's beats do not name is revoked and requeued, uncharged") {
  OneItem world;
  const IncarnationId forgetful = world.Join(kWork, 1, 0);
  const std::vector<wire::Lease> leases = world.ClaimAll(forgetful);
  world.Advance(seconds(29));
  world.Beat(forgetful, 1);
  world.Advance(seconds(1));
  CHECK(world.cut.empty());
  CHECK(world.revoked[forgetful] == leases);
  SUBCASE("its slot stays taken until it answers") {
    CHECK(world.Held(forgetful).size() == 1);
    CHECK(world.queue.workers().at(forgetful).HasFreeSlot() == false);
    world.Return(forgetful, leases[0]);
    CHECK(world.Held(forgetful).size() == 1);
    CHECK(world.Held(forgetful)[0].delivery == Delivery(2));
    CHECK(world.JobOf("a")->marks.attempts == 0);
  }
  SUBCASE("its result is accepted while nobody else has the job") {
    world.FinishItem(forgetful, leases[0]);
    CHECK(world.accepted.back() == leases[0]);
    CHECK(world.stale.empty());
  }
  SUBCASE("its result is stale once another worker has the job") {
    const IncarnationId other = world.Join(kWork, 1, 1);
    REQUIRE(world.Held(other).size() == 1);
    world.FinishItem(forgetful, leases[0]);
    CHECK(world.stale == leases);
    CHECK(world.queue.Totals(kSave, world.now).jobs == 0);
    world.FinishItem(other, world.ClaimAll(other).at(0));
    CHECK(world.queue.Totals(kSave, world.now).jobs == 1);
  }
}

TEST_CASE("a report about a job that the worker does not hold changes nothing") {
  OneItem world;
  const IncarnationId worker = world.Join(kWork, 1, 0);
  const IncarnationId liar = world.Join(kWork, 1, 1);
  const wire::Lease lease = world.ClaimAll(worker).at(0);
  world.FinishItem(liar, lease);
  world.Fail(liar, {JobId(999), Delivery(1)}, false);
  CHECK(world.stale.size() == 2);
  CHECK(world.queue.stale_reports() == 2);
  CHECK(world.ended.empty());
  CHECK(world.queue.FindJob(lease.job)->state == JobState::kClaimed);
}

TEST_CASE("a result that comes twice counts once") {
  OneItem world;
  const IncarnationId worker = world.Join(kWork);
  const wire::Lease lease = world.ClaimAll(worker).at(0);
  world.FinishItem(worker, lease);
  world.FinishItem(worker, lease);
  CHECK(world.stale.size() == 1);
  CHECK(world.queue.Totals(kSave, world.now).jobs == 1);
}

TEST_CASE("a job that waits unclaimed is taken back only when another worker is idle") {
  QueueWorld world;
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId busy = world.Join(kWork, 2, 0);
  world.FinishScan(scanner, {"long", "hostage"});
  const std::vector<wire::Lease> leases = world.Held(busy);
  world.Claim(busy, {leases[0]});
  world.Advance(seconds(5));
  CHECK(world.revoked.empty());
  const IncarnationId idle = world.Join(kWork, 2, 1);
  world.Advance(seconds(1));
  CHECK(world.revoked[busy] == std::vector<wire::Lease>{leases[1]});
  world.Return(busy, leases[1]);
  CHECK(world.Held(idle).size() == 1);
  CHECK(world.JobOf("hostage")->marks.attempts == 0);
}

TEST_CASE("a job that never came to its idle worker is asked for, and sent again when it answers") {
  OneItem world;
  const IncarnationId idle = world.Join(kWork);
  const std::vector<wire::Lease> leases = world.Held(idle);
  for (int i = 0; i < 29; ++i) {
    world.Advance(seconds(1));
    world.Beat(idle, 0);
  }
  CHECK(world.revoked.empty());
  world.Advance(seconds(2));
  CHECK(world.revoked[idle].at(0) == leases[0]);
  world.Return(idle, leases[0]);
  REQUIRE(world.Held(idle).size() == 1);
  CHECK(world.Held(idle)[0].delivery > leases[0].delivery);
  CHECK(world.JobOf("a")->marks.attempts == 0);
}

TEST_CASE("a worker that answers neither a job nor its revoke is ended, and others do its jobs") {
  QueueWorld world;
  const RunId run = world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId mute = world.Join(kWork, 8, 0);
  std::vector<std::string> keys;
  for (int i = 0; i < 40; ++i) keys.push_back("item" + std::to_string(i));
  world.FinishScan(scanner, keys);
  REQUIRE(world.Held(mute).size() == 8);
  const IncarnationId honest = world.Join(kWork, 2, 1);
  const IncarnationId last = world.Join(kSave, 40);
  const Instant start = world.now;
  while (!world.Ended(run) && world.now - start < seconds(60)) {
    for (const IncarnationId id : {honest, last}) {
      while (!world.Held(id).empty()) world.FinishItem(id, world.Held(id).front());
    }
    world.Advance(seconds(1));
    for (const IncarnationId id : {mute, honest, last, scanner}) world.Beat(id, 0);
  }
  CHECK(world.Ended(run));
  CHECK(world.Counts(run).ok == 40);
  CHECK(world.cut == std::vector<IncarnationId>{mute});
  CHECK(world.now - start < seconds(40));  // its claim deadline and a lease
}

TEST_CASE("alone at its stage, too, a worker that answers nothing is ended") {
  OneItem world;
  const IncarnationId mute = world.Join(kWork, 8);
  for (int i = 0; i < 62; ++i) {
    world.Advance(seconds(1));
    world.Beat(mute, 0);
  }
  CHECK(world.cut == std::vector<IncarnationId>{mute});
}

TEST_CASE("a job behind a long one is given back, and its worker is not ended for it") {
  QueueWorld world;
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId busy = world.Join(kWork, 2, 0);
  world.FinishScan(scanner, {"long", "behind"});
  const std::vector<wire::Lease> leases = world.Held(busy);
  world.Claim(busy, {leases[0]});
  const auto pass = [&](int count) {
    for (int i = 0; i < count; ++i) {
      world.Advance(seconds(1));
      world.Beat(busy, static_cast<std::uint64_t>(i), {leases[0]});
      for (const auto& [id, worker] : world.queue.workers()) {
        if (id != busy) world.Beat(id, 0);
      }
    }
  };
  pass(120);
  CHECK(world.revoked.empty());  // nobody else could begin it
  CHECK(world.cut.empty());
  const IncarnationId other = world.Join(kWork, 1, 1);
  pass(1);
  CHECK(world.revoked[busy] == std::vector<wire::Lease>{leases[1]});
  SUBCASE("given back") {
    world.Return(busy, leases[1]);
    CHECK(world.queue.FindJob(leases[1].job)->marks.attempts == 0);
    CHECK(world.queue.FindJob(leases[1].job)->marks.link_losses == 0);
    world.FinishItem(other, world.Held(other).at(0));
    pass(60);
  }
  SUBCASE("or begun, just then") {
    world.FinishItem(busy, leases[0]);
    world.Claim(busy, {leases[1]});
    CHECK(world.accepted.back() == leases[1]);
    world.Beat(busy, 1000, {leases[1]});
    for (int i = 0; i < 60; ++i) {
      world.Advance(seconds(1));
      for (const auto& [id, worker] : world.queue.workers()) {
        world.Beat(id, static_cast<std::uint64_t>(i), {leases[1]});
      }
    }
  }
  CHECK(world.cut.empty());
}

TEST_CASE(
    "a run that is cancelled waits no longer than a lease for a worker that answers nothing") {
  QueueWorld world;
  const RunId run = world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId mute = world.Join(kWork, 8, 0);
  world.FinishScan(scanner, {"a", "b", "c"});
  REQUIRE(world.Held(mute).size() == 3);
  world.queue.StopRun(run, RunResult::kStopped, "cancelled", world.now);
  world.Settle();
  CHECK_FALSE(world.Ended(run));
  for (int i = 0; i < 31; ++i) {
    world.Advance(seconds(1));
    for (const IncarnationId id : {mute, scanner}) world.Beat(id, 0);
  }
  CHECK(world.cut == std::vector<IncarnationId>{mute});
  CHECK(world.Ended(run));
}

TEST_CASE("a process that was cut off for its stall and then ends has died once, not twice") {
  OneItem world;
  // Five such deaths in a row would be a crash loop.
  for (int i = 0; i < 3; ++i) {
    const std::string boot = "boot" + std::to_string(i);
    const IncarnationId stuck = world.Join(kWork, 1, 0, boot);
    world.Advance(seconds(1));
    const std::vector<wire::Lease> leases = world.ClaimAll(stuck);
    for (int beats = 0; beats < 31; ++beats) {
      world.Advance(seconds(10));
      world.Beat(stuck, 7, leases);
    }
    const IncarnationId again = world.Join(kWork, 1, 0, boot);
    world.Kill(again);
  }
  CHECK(world.queue.FindRun(world.run)->result == RunResult::kDone);
  CHECK(world.EndOf("a")->code == "worker-died");
}

TEST_CASE("a handler without progress for the stall time is cut off, though it beats") {
  OneItem world;
  const IncarnationId stuck = world.Join(kWork);
  const std::vector<wire::Lease> leases = world.ClaimAll(stuck);
  for (int i = 0; i < 29; ++i) {
    world.Advance(seconds(10));
    world.Beat(stuck, 7, leases);
  }
  CHECK(world.cut.empty());
  world.Advance(seconds(10));
  world.Beat(stuck, 7, leases);
  world.Advance(seconds(10));
  CHECK(world.cut == std::vector<IncarnationId>{stuck});
}

TEST_CASE("time that the broker itself slept is nobody's fault") {
  OneItem world;
  const IncarnationId worker = world.Join(kWork);
  world.ClaimAll(worker);
  world.now += seconds(300);
  world.queue.ExtendDeadlines(seconds(290));
  world.queue.Tick(world.now);
  world.Settle();
  CHECK(world.cut.empty());
  world.Advance(seconds(20));
  CHECK(world.cut.size() == 1);
}

TEST_CASE("a worker that sends no beat is cut off, whether or not it has begun what it was sent") {
  OneItem world;
  const IncarnationId deaf = world.Join(kWork, 1, 0);
  REQUIRE(world.Held(deaf).size() == 1);
  world.Advance(seconds(29));
  CHECK(world.cut.empty());
  CHECK(world.queue.NextDeadline() <= world.now + seconds(1));
  world.Advance(seconds(1));
  CHECK(world.cut == std::vector<IncarnationId>{deaf});
  const IncarnationId other = world.Join(kWork, 1, 1);
  REQUIRE(world.Held(other).size() == 1);
  CHECK(world.JobOf("a")->marks.attempts == 0);
}

TEST_CASE("a worker that was welcomed and never heard of again is forgotten") {
  QueueWorld world;
  world.queue.Join(IncarnationId(77), kWork, 0, "boot", world.now);
  REQUIRE(world.queue.NextDeadline());
  world.Advance(*world.queue.NextDeadline() - world.now);
  CHECK(world.cut == std::vector<IncarnationId>{IncarnationId(77)});
  CHECK(world.queue.workers().empty());
}

TEST_CASE("a stale answer about a job to be run alone lets its worker have no other") {
  QueueWorld world;
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  world.FinishScan(scanner, {"a", "b", "c"});
  const IncarnationId doomed = world.Join(kWork, 2, 0);
  world.ClaimAll(doomed);
  world.Kill(doomed);  // a and b are `alone` now
  const IncarnationId worker = world.Join(kWork, 2, 1);
  world.Skip(worker, world.ClaimAll(worker).at(0));
  REQUIRE(world.Held(worker).size() == 1);
  const wire::Lease lease = world.Held(worker)[0];
  REQUIRE(world.queue.FindJob(lease.job)->marks.alone);
  world.Return(worker, {lease.job, Delivery(1)});
  CHECK(world.stale.size() == 1);
  CHECK(world.Held(worker) == std::vector<wire::Lease>{lease});
}

TEST_CASE("a worker that answers for nothing it lost is ended, and its job given up in time") {
  OneItem world;
  IncarnationId worker = world.Join(kWork, 1);
  // The worker believes that it has answered: its results cannot be read.
  for (int i = 0; i < 2000 && !world.Ended(world.run); ++i) {
    if (!world.queue.workers().contains(worker)) worker = world.Join(kWork, 1);
    if (!world.Held(worker).empty()) world.Claim(worker, {world.Held(worker).back()});
    world.Advance(seconds(1));
    world.Beat(worker, 1);
  }
  REQUIRE(world.EndOf("a") != nullptr);
  CHECK(world.EndOf("a")->code == "lost-worker");
  CHECK(world.Ended(world.run));
}

TEST_CASE("a handler that hangs is a death, though its process says HELLO again at once") {
  const auto stall = [](QueueWorld& world, IncarnationId stuck) {
    const std::vector<wire::Lease> leases = world.ClaimAll(stuck);
    while (world.cut.empty()) {
      world.Beat(stuck, 7, leases);
      world.Advance(seconds(10));
    }
    world.queue.Join(IncarnationId(99), kWork, 0, "stuck", world.now);  // no credit: it is busy
    world.Advance(seconds(1));
    return leases;
  };
  SUBCASE("by itself the item is charged") {
    OneItem world;
    const std::vector<wire::Lease> leases = stall(world, world.Join(kWork, 1, 0, "stuck"));
    CHECK(world.queue.FindJob(leases.at(0).job)->marks.attempts == 1);
  }
  SUBCASE("of a batch each is tried by itself") {
    QueueWorld world;
    world.AddRun();
    const IncarnationId scanner = world.Join(kScan);
    world.FinishScan(scanner, {"hangs", "fine"});
    world.queue.Leave(scanner, world.now);
    for (const wire::Lease& lease : stall(world, world.Join(kWork, 2, 0, "stuck"))) {
      CHECK(world.queue.FindJob(lease.job)->marks.alone);
      CHECK(world.queue.FindJob(lease.job)->marks.attempts == 0);
    }
  }
}
