#include "cli/broker_supervisor.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "tests/cli/temp_folder.h"

namespace millrace::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A keeper of a shell script, and what it told.
struct World {
  ManualClock clock;
  std::vector<std::string> lines;
  std::vector<ChildEnd> deaths;
  BrokerSupervisor keeper;

  explicit World(const std::string& script)
      : keeper(clock,
               {.executable = "/bin/sh",
                .arguments = {"-c", script, "broker"},
                .environment = {},
                .capture_stderr = true,
                .ignore_interrupt = false},
               {.on_line = [this](std::string_view line) { lines.emplace_back(line); },
                .on_death = [this](const ChildEnd& end) { deaths.push_back(end); }}) {}

  // Steps until the condition holds. Real children need real time: 20 s is a failure's price.
  template <typename Condition>
  bool StepUntil(Condition condition) {
    const SteadyClock real;
    const Instant deadline = real.Now() + seconds(20);
    while (!condition() && real.Now() < deadline) {
      pollfd fd{.fd = keeper.stderr_fd(), .events = POLLIN, .revents = 0};
      poll(&fd, 1, 5);
      keeper.Step();
    }
    return condition();
  }
  bool Die(std::size_t times) {
    return StepUntil([&] { return deaths.size() == times || keeper.end(); });
  }
};

TEST_CASE("a broker that dies is started again after a pause that doubles") {
  World world("kill -9 $$");
  REQUIRE(world.keeper.Start({}));
  Duration backoff = BrokerSupervisor::kFirstBackoff;
  for (std::size_t deaths = 1; deaths < BrokerSupervisor::kMaxDeaths; ++deaths) {
    CAPTURE(deaths);
    REQUIRE(world.Die(deaths));
    CHECK(world.deaths.back() == ChildEnd{.status = 0, .signal = SIGKILL});
    CHECK(world.keeper.NextRestart() == world.clock.Now() + backoff);
    world.clock.Advance(backoff - milliseconds(1));
    world.keeper.Step();
    CHECK(world.keeper.restarts() == static_cast<int>(deaths) - 1);
    world.clock.Advance(milliseconds(1));
    world.keeper.Step();
    CHECK(world.keeper.restarts() == static_cast<int>(deaths));
    backoff *= 2;
  }
}

TEST_CASE("a broker that dies again and again is given up, with its last words") {
  World world("echo last words >&2; kill -9 $$");
  REQUIRE(world.keeper.Start({}));
  for (std::size_t deaths = 1; deaths < BrokerSupervisor::kMaxDeaths; ++deaths) {
    REQUIRE(world.Die(deaths));
    CHECK_FALSE(world.keeper.end());
    world.clock.Advance(BrokerSupervisor::kMaxBackoff);
    world.keeper.Step();
  }
  REQUIRE(world.StepUntil([&] { return world.keeper.end().has_value(); }));
  CHECK(world.keeper.DescribeEnd() ==
        "the broker died 5 times within 60 s, at last of signal 9 (Killed): last words");
  world.clock.Advance(seconds(60));
  world.keeper.Step();
  CHECK(world.keeper.stderr_fd() == -1);
}

TEST_CASE("deaths long apart do not add up") {
  World world("kill -9 $$");
  REQUIRE(world.keeper.Start({}));
  for (std::size_t deaths = 1; deaths <= 2 * BrokerSupervisor::kMaxDeaths; ++deaths) {
    REQUIRE(world.Die(deaths));
    REQUIRE_FALSE(world.keeper.end());
    CHECK(world.keeper.NextRestart() == world.clock.Now() + BrokerSupervisor::kFirstBackoff);
    world.clock.Advance(BrokerSupervisor::kDeathsWithin);
    world.keeper.Step();
  }
}

TEST_CASE("a broker that left by itself, or said that it cannot serve, is not started again") {
  for (const int status : {0, 2, 3}) {
    CAPTURE(status);
    World world("echo 'state: disk full' >&2; exit " + std::to_string(status));
    REQUIRE(world.keeper.Start({}));
    REQUIRE(world.StepUntil([&] { return world.keeper.end().has_value(); }));
    CHECK(world.keeper.end()->status == status);
    CHECK(world.keeper.DescribeEnd() ==
          "the broker ended with exit status " + std::to_string(status) + ": state: disk full");
    CHECK_FALSE(world.keeper.NextRestart());
    CHECK(world.deaths.empty());
  }
}

TEST_CASE("any other exit status is a death") {
  World world("exit 1");
  REQUIRE(world.keeper.Start({}));
  REQUIRE(world.Die(1));
  CHECK(world.deaths.back().status == 1);
  CHECK_FALSE(world.keeper.end());
}

TEST_CASE("only the first broker is given the arguments of the first start") {
  const TempFolder folder;
  World world("echo \"<$*>\" >&2; kill -9 $$");
  REQUIRE(world.keeper.Start({"--hold"}));
  REQUIRE(world.Die(1));
  world.clock.Advance(BrokerSupervisor::kFirstBackoff);
  REQUIRE(world.Die(2));
  CHECK(world.lines == std::vector<std::string>{"<--hold>", "<>"});
}

TEST_CASE(
    "once ends are expected, a death is for good, even one that was to be followed by a start") {
  World world("kill -9 $$");
  REQUIRE(world.keeper.Start({}));
  REQUIRE(world.Die(1));
  world.keeper.StopRestarting();
  CHECK_FALSE(world.keeper.NextRestart());
  REQUIRE(world.keeper.end());
  CHECK(world.keeper.end()->signal == SIGKILL);

  World other("exec sleep 60");
  REQUIRE(other.keeper.Start({}));
  other.keeper.StopRestarting();
  CHECK_FALSE(other.keeper.end());
  other.keeper.Kill(SIGKILL);
  REQUIRE(other.StepUntil([&] { return other.keeper.end().has_value(); }));
  CHECK(other.deaths.empty());
}

TEST_CASE("a frozen broker is killed and replaced, even once ends are expected") {
  for (const bool expected : {false, true}) {
    CAPTURE(expected);
    World world("echo up >&2; exec sleep 60");
    REQUIRE(world.keeper.Start({}));
    REQUIRE(world.StepUntil([&] { return world.lines.size() == 1; }));
    if (expected) world.keeper.StopRestarting();
    world.keeper.Replace();
    REQUIRE(world.Die(1));
    CHECK(world.deaths.back().signal == SIGKILL);
    CHECK_FALSE(world.keeper.end());
    world.clock.Advance(BrokerSupervisor::kFirstBackoff);
    REQUIRE(world.StepUntil([&] { return world.lines.size() == 2; }));
    CHECK(world.keeper.restarts() == 1);
    // Only that once: what ends by itself then has ended for good.
    if (!expected) world.keeper.StopRestarting();
    world.keeper.Kill(SIGKILL);
    REQUIRE(world.StepUntil([&] { return world.keeper.end().has_value(); }));
  }
}

}  // namespace
}  // namespace millrace::cli
