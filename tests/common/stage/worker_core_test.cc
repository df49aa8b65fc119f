#include "common/stage/worker_core.h"

#include <doctest/doctest.h>

#include "tests/common/stage/core_world.h"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Ids = std::vector<std::uint64_t>;
using Calls = std::vector<Ids>;

// --- joining --------------------------------------------------------------------------------

TEST_CASE("a worker says HELLO at once, and again with growing pauses until it is answered") {
  CoreWorld world;
  world.Settle();
  CHECK(world.All<SayHello>().size() == 1);
  world.Advance(milliseconds(500));
  CHECK(world.All<SayHello>().size() == 2);
  world.Advance(milliseconds(500));
  CHECK(world.All<SayHello>().size() == 2);
  world.Advance(milliseconds(500));
  REQUIRE(world.All<SayHello>().size() == 3);
  for (const SayHello& hello : world.All<SayHello>()) CHECK(hello.attempt == 1);
}

TEST_CASE("credit is given once, absolute, when both links are up and not before") {
  CoreWorld world({.credit = 5});
  world.core.Welcomed(1, world.Welcome(), world.clock.Now());
  world.Settle();
  CHECK(world.All<OpenLinks>().size() == 1);
  CHECK(world.All<SendReport>().empty());
  world.core.LinksUp(world.clock.Now());
  world.core.LinksUp(world.clock.Now());
  world.Settle();
  REQUIRE(world.Reports<wire::Credit>().size() == 1);
  CHECK(world.Reports<wire::Credit>()[0].slots == 5);
  CHECK(world.Reports<wire::Credit>()[0].link == world.link);
}

TEST_CASE("a second WELCOME, and one for an earlier attempt, change nothing") {
  CoreWorld world;
  world.Join();
  world.core.Welcomed(1, world.Welcome(), world.clock.Now());
  world.core.LinkLost(world.clock.Now());
  world.core.Welcomed(1, world.Welcome(), world.clock.Now());
  world.Settle();
  CHECK(world.All<OpenLinks>().size() == 1);
}

TEST_CASE("links that do not come up in time count as lost") {
  CoreWorld world;
  world.Settle();
  world.core.Welcomed(1, world.Welcome(), world.clock.Now());
  world.Settle();
  world.Advance(world.settings.connect_timeout);
  CHECK(world.All<CloseLinks>().size() == 1);
  world.Advance(seconds(5));
  CHECK(world.All<SayHello>().back().attempt == 2);
}

TEST_CASE("a refusal that waiting cannot cure ends the worker, another does not") {
  CoreWorld world;
  world.Settle();
  world.core.Refused(1, {ErrorCode::kUnavailable, "full"}, world.clock.Now());
  world.Settle();
  CHECK(world.All<Leave>().empty());
  world.core.Refused(2, {ErrorCode::kUsage, "no such stage"}, world.clock.Now());
  world.Settle();
  REQUIRE(world.All<Leave>().size() == 1);
  CHECK(world.All<Leave>()[0].exit == WorkerExit::kCannotStart);
}

TEST_CASE("a worker that finds no broker for long enough leaves and says so") {
  CoreWorld world({.give_up_after = seconds(60)});
  world.Settle();
  for (int i = 0; i < 59; ++i) world.Advance(seconds(1));
  CHECK(world.All<Leave>().empty());
  world.Advance(seconds(1));
  REQUIRE(world.All<Leave>().size() == 1);
  CHECK(world.All<Leave>()[0].exit == WorkerExit::kLostBroker);
  CHECK_FALSE(world.core.NextDeadline().has_value());
}

TEST_CASE("after a refusal that may pass, the next HELLO is a new attempt") {
  // Said again under its old number, a HELLO whose WELCOME was lost would be refused for ever: its
  // links have ended at the broker's side.
  CoreWorld world;
  world.Settle();
  world.core.Refused(1, {ErrorCode::kUnavailable, "those links are lost"}, world.clock.Now());
  world.Advance(milliseconds(499));
  CHECK(world.All<SayHello>().size() == 1);
  world.Advance(milliseconds(1));
  REQUIRE(world.All<SayHello>().size() == 2);
  CHECK(world.All<SayHello>()[1].attempt == 2);
}

// --- processing -----------------------------------------------------------------------------

TEST_CASE("a claim of exactly the jobs of a call goes just before it") {
  CoreWorld world({.batch_max = 2, .credit = 4});
  world.Join();
  world.Clear();
  world.SendJobs({1, 2, 3});
  CHECK(world.Calls() == Calls{{1, 2}});
  REQUIRE(world.Reports<wire::Claim>().size() == 1);
  CHECK(world.Reports<wire::Claim>()[0].leases ==
        std::vector{CoreWorld::LeaseOf(1), CoreWorld::LeaseOf(2)});
  REQUIRE(world.actions.size() >= 2);
  CHECK(std::holds_alternative<SendReport>(world.actions[0]));
  CHECK(std::holds_alternative<StartProcess>(world.actions[1]));
}

TEST_CASE("a call begins only after the one before it has returned") {
  CoreWorld world;
  world.Join();
  world.SendJobs({1, 2});
  CHECK(world.Calls() == Calls{{1}});
  world.Advance(milliseconds(100));
  CHECK(world.Calls() == Calls{{1}});
  world.Finish({Done{}});
  CHECK(world.Calls() == Calls{{1}, {2}});
}

TEST_CASE("a batch waits for more jobs until its delay is over, and the deadline is known") {
  CoreWorld world({.batch_max = 4, .batch_delay = milliseconds(10), .credit = 8});
  world.Join();
  world.SendJobs({1});
  CHECK(world.Calls().empty());
  CHECK(world.core.NextDeadline() == world.clock.Now() + milliseconds(10));
  world.Advance(milliseconds(10));
  CHECK(world.Calls() == Calls{{1}});
}

TEST_CASE("a batch does not wait when every slot of the credit is taken") {
  CoreWorld world({.batch_max = 8, .batch_delay = seconds(1), .credit = 2});
  world.Join();
  world.SendJobs({1, 2});
  CHECK(world.Calls() == Calls{{1, 2}});
}

TEST_CASE("an alone job is processed by itself and at once") {
  CoreWorld world({.batch_max = 4, .batch_delay = seconds(1), .credit = 8});
  world.Join();
  world.SendJobs({1}, /*alone=*/true);
  CHECK(world.Calls() == Calls{{1}});
}

TEST_CASE("each outcome becomes the report of its own job") {
  CoreWorld world({.batch_max = 4, .credit = 4});
  world.Join();
  world.SendJobs({1, 2, 3, 4});
  world.Finish({Done{}, Failed{ErrorCode::kCorrupt, "bad", false}, Skipped{"excluded"},
                Scanned{{}, "next"}});
  std::vector<wire::Lease> done;
  for (const auto& report : world.Reports<wire::DoneReport>()) {
    for (const auto& result : report.results) done.push_back(result.lease);
  }
  CHECK(done == std::vector{CoreWorld::LeaseOf(1), CoreWorld::LeaseOf(4)});
  REQUIRE(world.Reports<wire::FailReport>().size() == 1);
  CHECK(world.Reports<wire::FailReport>()[0].results[0].lease == CoreWorld::LeaseOf(2));
  CHECK(world.Reports<wire::FailReport>()[0].results[0].code == "corrupt");
  REQUIRE(world.Reports<wire::SkipReport>().size() == 1);
  CHECK(world.Reports<wire::SkipReport>()[0].results[0].lease == CoreWorld::LeaseOf(3));
}

TEST_CASE("an exception, and a wrong number of outcomes, fail the call's jobs for good") {
  for (const bool exception : {true, false}) {
    CoreWorld world({.batch_max = 2, .credit = 2});
    world.Join();
    world.SendJobs({1, 2});
    if (exception) {
      world.core.Finished(Fail(ErrorCode::kInternal, "it threw"), world.clock.Now());
      world.Settle();
    } else {
      world.Finish({Done{}});
    }
    REQUIRE(world.Reports<wire::FailReport>().size() == 1);
    const auto results = world.Reports<wire::FailReport>()[0].results;
    REQUIRE(results.size() == 2);
    CHECK(results[0].code == "internal");
    CHECK_FALSE(results[0].retryable);
    CHECK(world.Reports<wire::DoneReport>().empty());
    world.SendJobs({3});
    CHECK(world.Calls().back() == Ids{3});
  }
}

TEST_CASE("a job with broken meta, or without its run, fails alone") {
  CoreWorld world({.batch_max = 1, .credit = 3});
  world.Join();
  auto message = world.Jobs({1, 2, 3});
  message.jobs[0].meta = "\xc1";
  message.jobs[1].run = RunId(99);
  world.Receive(message);
  REQUIRE(world.Reports<wire::FailReport>().size() == 2);
  CHECK(world.Reports<wire::FailReport>()[0].results[0].lease == CoreWorld::LeaseOf(1));
  CHECK(world.Reports<wire::FailReport>()[1].results[0].lease == CoreWorld::LeaseOf(2));
  CHECK(world.Calls() == Calls{{3}});
}

TEST_CASE("jobs beyond the credit are given back, not held") {
  CoreWorld world({.batch_max = 1, .credit = 2});
  world.Join();
  world.SendJobs({1, 2, 3});
  CHECK(world.Returned() == Ids{3});
}

TEST_CASE("jobs of another incarnation, or another broker's life, are dropped and counted") {
  CoreWorld world;
  world.Join();
  auto foreign = world.Jobs({1, 2});
  foreign.link.incarnation = IncarnationId(9);
  world.Receive(foreign);
  foreign.link = {Epoch(101), world.link.incarnation};
  world.Receive(foreign);
  CHECK(world.Calls().empty());
  CHECK(world.core.foreign_jobs() == 4);
  world.Clear();
  world.Advance(milliseconds(100));
  REQUIRE(world.Reports<wire::Beat>().size() == 1);
  CHECK(world.Reports<wire::Beat>()[0].foreign_jobs == 4);
}

// --- revoking -------------------------------------------------------------------------------

TEST_CASE("a job revoked before its claim is given back and never processed") {
  CoreWorld world;
  world.Join();
  world.SendJobs({1, 2});
  world.Receive(wire::Revoke{world.link, {CoreWorld::LeaseOf(2)}});
  CHECK(world.Returned() == Ids{2});
  world.Finish({Done{}});
  CHECK(world.Calls() == Calls{{1}});
}

TEST_CASE("a job revoked while it is processed is cancelled, and given back when it ends") {
  CoreWorld world({.batch_max = 2, .credit = 2});
  world.Join();
  world.SendJobs({1, 2});
  world.Receive(wire::Revoke{world.link, {CoreWorld::LeaseOf(2)}});
  REQUIRE(world.All<CancelJobs>().size() == 1);
  CHECK(world.All<CancelJobs>()[0].jobs == std::vector{JobId(2)});
  CHECK(world.Returned().empty());  // its slot is taken until the handler is through
  world.Finish({Done{}, Done{}});
  CHECK(world.Returned() == Ids{2});
  REQUIRE(world.Reports<wire::DoneReport>().size() == 1);
  REQUIRE(world.Reports<wire::DoneReport>()[0].results.size() == 1);
  CHECK(world.Reports<wire::DoneReport>()[0].results[0].lease == CoreWorld::LeaseOf(1));
}

TEST_CASE("a revoke of what the worker does not hold is answered, and touches nothing else") {
  CoreWorld world;
  world.Join();
  world.SendJobs({1, 2});
  world.Finish({Done{}});
  world.Clear();
  // One crosses the job's report, one names another delivery, one never came.
  const std::vector<wire::Lease> leases = {CoreWorld::LeaseOf(1), CoreWorld::LeaseOf(2, 7),
                                           CoreWorld::LeaseOf(9)};
  world.Receive(wire::Revoke{world.link, leases});
  REQUIRE(world.Reports<wire::Return>().size() == 1);
  CHECK(world.Reports<wire::Return>()[0].leases == leases);
  CHECK(world.All<CancelJobs>().empty());
  // The broker finds them stale, which is the end of it.
  world.Clear();
  world.Receive(wire::Confirm{world.link, {}, leases});
  CHECK(world.Returned().empty());
}

TEST_CASE("a claim that comes back stale cancels its job, whose slot is answered for once") {
  CoreWorld world;
  world.Join();
  world.SendJobs({1});
  world.Receive(wire::Confirm{world.link, {}, {CoreWorld::LeaseOf(1)}});
  CHECK(world.All<CancelJobs>().size() == 1);
  world.Finish({Done{}});
  CHECK(world.Returned() == Ids{1});
  CHECK(world.Reports<wire::DoneReport>().empty());
}

// --- beats ----------------------------------------------------------------------------------

TEST_CASE("a beat goes out every beat_ms with the progress and the leases being processed") {
  CoreWorld world;
  world.Join();
  REQUIRE(world.Reports<wire::Beat>().size() == 1);
  world.SendJobs({1, 2});
  world.Clear();
  world.core.SetProgress(42);
  world.Advance(milliseconds(99));
  CHECK(world.Reports<wire::Beat>().empty());
  world.Advance(milliseconds(1));
  REQUIRE(world.Reports<wire::Beat>().size() == 1);
  const wire::Beat beat = world.Reports<wire::Beat>()[0];
  CHECK(beat.progress == 42);
  CHECK(beat.claimed == std::vector{CoreWorld::LeaseOf(1)});
  CHECK(beat.busy_ns == 100'000'000);
}

TEST_CASE("busy time is what Process took, and does not grow between calls") {
  CoreWorld world;
  world.Join();
  world.SendJobs({1});
  world.Advance(milliseconds(30));
  world.Finish({Done{}});
  world.Receive(wire::BeatReply{world.link});
  world.Clear();
  world.Advance(milliseconds(70));
  REQUIRE(world.Reports<wire::Beat>().size() == 1);
  CHECK(world.Reports<wire::Beat>()[0].busy_ns == 30'000'000);
  CHECK(world.Reports<wire::Beat>()[0].claimed.empty());
}

TEST_CASE("the lease runs from when an answered beat was sent, not from its answer") {
  CoreWorld world;
  world.Settle();
  const Instant hello = world.clock.Now();
  world.Join();
  REQUIRE(world.All<LeaseUntil>().size() == 1);
  CHECK(world.All<LeaseUntil>()[0].instant == hello + seconds(1));
  const Instant first_beat = world.clock.Now();
  world.Advance(milliseconds(100));
  const Instant second_beat = world.clock.Now();
  world.Advance(milliseconds(50));
  world.Receive(wire::BeatReply{world.link});
  CHECK(world.All<LeaseUntil>().back().instant == first_beat + seconds(1));
  world.Receive(wire::BeatReply{world.link});
  CHECK(world.All<LeaseUntil>().back().instant == second_beat + seconds(1));
}

TEST_CASE("a broker that answers no beat for long is lost: HELLO again, one attempt on") {
  CoreWorld world;  // three beats are 300 ms, but `silence` is 600 ms
  world.Join();
  world.Clear();
  for (int i = 0; i < 59; ++i) world.Advance(milliseconds(10));
  CHECK(world.All<CloseLinks>().empty());
  world.Advance(milliseconds(10));
  CHECK(world.All<CloseLinks>().size() == 1);
  REQUIRE(world.All<SayHello>().size() == 1);
  CHECK(world.All<SayHello>()[0].attempt == 2);
}

TEST_CASE("a broker that answers is never taken for lost, nor one that had nothing to answer") {
  CoreWorld world;
  world.Join();
  world.Receive(wire::BeatReply{world.link});
  world.Advance(seconds(60));  // this process was stopped, say
  CHECK(world.All<CloseLinks>().empty());
  for (int i = 0; i < 100; ++i) {
    world.Advance(milliseconds(100));
    world.Receive(wire::BeatReply{world.link});
  }
  CHECK(world.All<CloseLinks>().empty());
}

// --- losing the link ------------------------------------------------------------------------

TEST_CASE("a lost link drops what waits, cancels what runs, and reports nothing of it later") {
  CoreWorld world;
  world.Join();
  world.SendJobs({1, 2});
  world.core.LinkLost(world.clock.Now());
  world.Settle();
  REQUIRE(world.All<CancelJobs>().size() == 1);
  CHECK(world.All<CancelJobs>()[0].jobs == std::vector{JobId(1)});
  CHECK(world.All<SayHello>().back().attempt == 2);
  world.link.incarnation = IncarnationId(2);
  world.Clear();
  world.Join(2);
  CHECK(world.Reports<wire::Credit>().empty());  // its handler is still inside the old job
  CHECK(world.Reports<wire::Beat>().at(0).claimed.empty());
  world.Finish({Done{}});
  CHECK(world.Reports<wire::Credit>().size() == 1);
  CHECK(world.Reports<wire::DoneReport>().empty());
  CHECK(world.Returned().empty());
  world.SendJobs({3});
  CHECK(world.Calls() == Calls{{3}});
}

TEST_CASE("a handler that returns before the new link is up does not hold back credit") {
  CoreWorld world;
  world.Join();
  world.SendJobs({1});
  world.core.LinkLost(world.clock.Now());
  world.Finish({Done{}});
  world.link.incarnation = IncarnationId(2);
  world.Clear();
  world.Join(2);
  CHECK(world.Reports<wire::Credit>().size() == 1);
}

TEST_CASE("a handler that outlives its ended incarnation by a lease ends the process") {
  CoreWorld world;
  world.Join();
  world.SendJobs({1});
  world.core.LinkLost(world.clock.Now());
  world.Settle();
  world.link.incarnation = IncarnationId(2);
  world.Join(2);
  for (int i = 0; i < 9; ++i) {
    world.Advance(milliseconds(100));
    world.Receive(wire::BeatReply{world.link});
    world.Receive(wire::BeatReply{world.link});
  }
  CHECK(world.All<Leave>().empty());
  world.Advance(milliseconds(100));
  REQUIRE(world.All<Leave>().size() == 1);
  CHECK(world.All<Leave>()[0].exit == WorkerExit::kHandlerStuck);
}

// --- timeouts -------------------------------------------------------------------------------

TEST_CASE("an item that takes longer than its timeout fails, and the worker leaves") {
  CoreWorld world({.batch_max = 1, .credit = 2, .timeout = milliseconds(250)});
  world.Join();
  world.SendJobs({1, 2});
  world.Advance(milliseconds(249));
  CHECK(world.Reports<wire::FailReport>().empty());
  world.Advance(milliseconds(1));
  REQUIRE(world.Reports<wire::FailReport>().size() == 1);
  CHECK(world.Reports<wire::FailReport>()[0].results[0].code == "timeout");
  CHECK_FALSE(world.Reports<wire::FailReport>()[0].results[0].retryable);
  CHECK(world.Returned() == Ids{2});
  CHECK(world.Reports<wire::Credit>().back().slots == 0);
  CHECK(world.All<Leave>().empty());
  world.Confirm({1, 1, 2});  // the claim, the failure, the other's return
  REQUIRE(world.All<Leave>().size() == 1);
  CHECK(world.All<Leave>()[0].exit == WorkerExit::kHandlerStuck);
}

TEST_CASE("a batch that takes too long ends the process without blaming an item") {
  CoreWorld world({.batch_max = 2, .credit = 2, .timeout = milliseconds(250)});
  world.Join();
  world.SendJobs({1, 2});
  world.Advance(milliseconds(499));
  CHECK(world.All<Leave>().empty());
  world.Advance(milliseconds(1));
  CHECK(world.All<Leave>().size() == 1);
  CHECK(world.Reports<wire::FailReport>().empty());
}

// --- leaving --------------------------------------------------------------------------------

TEST_CASE("a draining worker takes its credit back, returns what waits, and ends what runs") {
  CoreWorld world;
  world.Join();
  world.SendJobs({1, 2});
  world.Clear();
  world.Receive(wire::Drain{world.link});
  REQUIRE(world.Reports<wire::Credit>().size() == 1);
  CHECK(world.Reports<wire::Credit>()[0].slots == 0);
  CHECK(world.Returned() == Ids{2});
  world.SendJobs({3});  // was on its way
  CHECK(world.Returned() == Ids{2, 3});
  CHECK(world.All<Leave>().empty());
  world.Finish({Done{}});
  CHECK(world.Reports<wire::DoneReport>().size() == 1);
  world.Confirm({1, 2, 3});
  CHECK(world.All<Leave>().empty());  // the claim of 1 is confirmed, its DONE is not
  world.Confirm({1});
  REQUIRE(world.All<Leave>().size() == 1);
  CHECK(world.All<Leave>()[0].exit == WorkerExit::kDrained);
}

TEST_CASE("a draining worker leaves after drain_timeout, whatever is left") {
  CoreWorld world({.credit = 2, .drain_timeout = seconds(3)});
  world.Join();
  world.SendJobs({1});
  world.core.Drain(world.clock.Now());
  for (int i = 0; i < 29; ++i) {
    world.Advance(milliseconds(100));
    world.Receive(wire::BeatReply{world.link});
  }
  CHECK(world.All<Leave>().empty());
  world.Advance(milliseconds(100));
  CHECK(world.All<Leave>().size() == 1);
}

TEST_CASE("a worker with nothing in hand drains at once, linked or not") {
  CoreWorld linked;
  linked.Join();
  linked.core.Drain(linked.clock.Now());
  linked.Settle();
  CHECK(linked.All<Leave>().size() == 1);
  CoreWorld greeting;
  greeting.core.Drain(greeting.clock.Now());
  greeting.Settle();
  CHECK(greeting.All<Leave>().size() == 1);
}

TEST_CASE("a draining worker that loses its link leaves: nobody waits for its reports") {
  CoreWorld world;
  world.Join();
  world.SendJobs({1});
  world.core.Drain(world.clock.Now());
  world.Settle();
  CHECK(world.All<Leave>().empty());
  world.core.LinkLost(world.clock.Now());
  world.Settle();
  CHECK(world.All<Leave>().size() == 1);
}

}  // namespace
}  // namespace millrace
