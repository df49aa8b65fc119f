#include "cli/run_follower.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/os/unique_fd.h"
#include "tests/cli/fake_broker.h"

namespace millrace::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

wire::StatusReply StatusOf(RunId run, const std::string& state) {
  wire::StatusReply reply;
  reply.runs.emplace_back();
  reply.runs[0].run = run;
  reply.runs[0].state = state;
  return reply;
}

// A follower of run 7 that has asked for its end.
struct World {
  FakeBroker broker;
  net::ControlClient client = broker.Client();
  UniqueFd null{open("/dev/null", O_WRONLY | O_CLOEXEC)};
  Terminal terminal{null.get()};
  ManualClock clock;
  StatusFollower follower{clock, client, terminal, ProgressStyle::kNone};

  World() {
    follower.Follow(RunId(7));
    CHECK(broker.Next<wire::WaitRequest>().run == RunId(7));
  }
  void AskStatus() {
    clock.Advance(*follower.NextStep() - clock.Now());
    follower.Step();
    CHECK(broker.Next<wire::StatusRequest>().run == RunId(7));
  }
  void Answer(wire::ControlReply reply) {
    broker.Answer(std::move(reply));
    follower.OnReply(AwaitReply(client));
  }
};

TEST_CASE("a run is followed to its end") {
  World world;
  world.AskStatus();
  const Instant asked = world.clock.Now();
  world.Answer(StatusOf(RunId(7), "active"));
  CHECK(world.follower.last_heard() == asked);
  CHECK_FALSE(world.follower.ended());
  world.AskStatus();
  CHECK(world.clock.Now() - asked == milliseconds(250));
  world.Answer(StatusOf(RunId(7), "done"));
  REQUIRE(world.follower.ended());
  CHECK(world.follower.ended()->state == "done");
  CHECK_FALSE(world.follower.NextStep());
}

TEST_CASE("a run that is paused, or being stopped, has not ended") {
  World world;
  for (const char* state : {"paused", "stopping"}) {
    world.AskStatus();
    world.Answer(StatusOf(RunId(7), state));
    CHECK_FALSE(world.follower.ended());
  }
}

TEST_CASE("a broker that does not answer is asked again, and more and more rarely") {
  World world;
  world.AskStatus();
  const Instant heard = world.follower.last_heard();
  for (const Duration pause :
       {seconds(2), seconds(4), seconds(8), seconds(16), seconds(30), seconds(30)}) {
    CHECK(*world.follower.NextStep() - world.clock.Now() == pause);
    world.clock.Advance(pause);
    world.follower.Step();
    world.broker.Next<wire::WaitRequest>();
    world.broker.Next<wire::StatusRequest>();
  }
  CHECK(world.follower.last_heard() == heard);
  world.Answer(StatusOf(RunId(7), "active"));
  CHECK(world.follower.last_heard() == world.clock.Now());
  CHECK(*world.follower.NextStep() - world.clock.Now() == milliseconds(250));
}

TEST_CASE("a new broker is asked at once, for the end too") {
  World world;
  world.AskStatus();
  world.follower.AskAnew();
  CHECK(world.broker.Next<wire::WaitRequest>().run == RunId(7));
  CHECK(*world.follower.NextStep() == world.clock.Now());
  world.AskStatus();
  world.Answer(StatusOf(RunId(7), "done"));
  CHECK(world.follower.ended());
}

TEST_CASE(
    "a broker that knows no such run ends the following; one that is about to leave does not") {
  World world;
  world.AskStatus();
  world.Answer(wire::ErrorReply{"unavailable", "the broker is shutting down"});
  CHECK_FALSE(world.follower.refused());
  world.clock.Advance(StatusFollower::kAskAgain);
  world.follower.Step();
  world.broker.Next<wire::WaitRequest>();
  world.Answer(wire::ErrorReply{"not-found", "no run 7"});
  REQUIRE(world.follower.refused());
  CHECK(world.follower.refused()->code == ErrorCode::kNotFound);
}

TEST_CASE("why the broker takes no more work is shown once") {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  World world;
  Terminal terminal(writer.get());
  StatusFollower follower(world.clock, world.client, terminal, ProgressStyle::kNone);
  follower.Follow(RunId(7));
  world.broker.Next<wire::WaitRequest>();
  wire::StatusReply status = StatusOf(RunId(7), "active");
  status.trouble = "cannot write the state: disk full";
  for (int time = 0; time < 2; ++time) {
    world.clock.Advance(seconds(1));
    follower.Step();
    world.broker.Next<wire::StatusRequest>();
    world.broker.Answer(status);
    follower.OnReply(AwaitReply(world.client));
  }
  std::string written(256, '\0');
  written.resize(static_cast<std::size_t>(read(reader.get(), written.data(), written.size())));
  CHECK(written == "millrace: the broker takes no more work: cannot write the state: disk full\n");
}

TEST_CASE("what is said of other runs, or in answer to other requests, is left alone") {
  World world;
  world.AskStatus();
  world.Answer(StatusOf(RunId(8), "done"));
  CHECK_FALSE(world.follower.ended());
  REQUIRE(world.client.Send(wire::CancelRequest{RunId(8), "why"}));
  world.broker.Next<wire::CancelRequest>();
  world.Answer(wire::ErrorReply{"not-found", "no run 8"});
  CHECK_FALSE(world.follower.refused());
}

}  // namespace
}  // namespace millrace::cli
