#include "cli/worker_supervisor.h"

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

WorkerCommand Fake(const std::string& script, int replica = 0) {
  return {.stage = "fake",
          .replica = replica,
          .child = {.executable = "/bin/sh",
                    .arguments = {"-c", script},
                    .environment = {},
                    .capture_stderr = true,
                    .ignore_interrupt = false}};
}

// A supervisor of shell scripts, and what it told.
struct World {
  ManualClock clock;
  std::vector<std::string> lines;
  std::vector<wire::Exit> ends;
  std::vector<std::string> cannot_start;
  std::vector<std::string> frozen;
  int unheard = 0;  // signals up to this number reach nobody
  WorkerSupervisor supervisor{
      clock,
      {.on_line =
           [this](const std::string& worker, std::string_view line) {
             lines.push_back(worker + "> " + std::string(line));
           },
       .on_end = [this](const wire::Exit& exit) { ends.push_back(exit); },
       .on_cannot_start =
           [this](const std::string& worker, const std::string& reason) {
             cannot_start.push_back(worker + "> " + reason);
           },
       .on_frozen = [this](const std::string& text) { frozen.push_back(text); }},
      [this](LoggedChild& worker, int signal) {
        if (signal > unheard) worker.Kill(signal);
      }};

  // The number of the process whose script has written it.
  pid_t Pid() {
    REQUIRE(StepUntil([&] { return !lines.empty(); }));
    return std::stoi(lines.back().substr(lines.back().find('>') + 1));
  }
  // Steps until the condition holds. Real children need real time: 20 s is a failure's price.
  template <typename Condition>
  bool StepUntil(Condition condition) {
    const SteadyClock real;
    const Instant deadline = real.Now() + seconds(20);
    while (!condition() && real.Now() < deadline) {
      std::vector<pollfd> fds;
      for (const int fd : supervisor.StderrFds()) {
        fds.push_back({.fd = fd, .events = POLLIN, .revents = 0});
      }
      poll(fds.data(), fds.size(), 5);
      supervisor.Step();
    }
    return condition();
  }
};

TEST_CASE("a worker that dies is told of, with its signal and its last words") {
  World world;
  REQUIRE(world.supervisor.Start({Fake("echo first >&2; echo last words >&2; kill -9 $$", 3)}));
  REQUIRE(world.StepUntil([&] { return !world.ends.empty(); }));
  const wire::Exit& exit = world.ends[0];
  CHECK(exit.stage == "fake");
  CHECK(exit.replica == 3);
  CHECK(exit.signal == SIGKILL);
  CHECK(exit.pid > 0);
  CHECK(!exit.host.empty());
  CHECK(exit.stderr_tail == "first\nlast words\n");
  CHECK_FALSE(exit.expected);
  CHECK(world.lines == std::vector<std::string>{"fake-3> first", "fake-3> last words"});
}

TEST_CASE("a worker that dies is restarted after a pause that doubles") {
  World world;
  REQUIRE(world.supervisor.Start({Fake("exit 1")}));
  Duration backoff = WorkerSupervisor::kFirstBackoff;
  for (std::size_t deaths = 1; deaths <= 10; ++deaths) {
    CAPTURE(deaths);
    REQUIRE(world.StepUntil([&] { return world.ends.size() == deaths; }));
    CHECK(world.supervisor.NextRestart() == world.clock.Now() + backoff);
    world.clock.Advance(backoff - milliseconds(1));
    world.supervisor.Step();
    CHECK(world.supervisor.AllEnded());
    world.clock.Advance(milliseconds(1));
    backoff = std::min<Duration>(backoff * 2, WorkerSupervisor::kMaxBackoff);
  }
}

TEST_CASE("a worker that had settled is restarted with the shortest pause again") {
  World world;
  const TempFolder folder;
  // The first life ends at once, the second waits to be ended.
  REQUIRE(world.supervisor.Start(
      {Fake("[ -e " + folder / "second" + " ] && exec sleep 60; touch " + folder / "second")}));
  REQUIRE(world.StepUntil([&] { return world.ends.size() == 1; }));
  world.clock.Advance(WorkerSupervisor::kFirstBackoff);
  world.supervisor.Step();
  CHECK_FALSE(world.supervisor.AllEnded());
  world.clock.Advance(WorkerSupervisor::kSettled);
  world.supervisor.KillAll(SIGKILL);
  REQUIRE(world.StepUntil([&] { return world.ends.size() == 2; }));
  CHECK(world.supervisor.NextRestart() == world.clock.Now() + WorkerSupervisor::kFirstBackoff);
}

TEST_CASE("a worker that cannot start is not restarted, and its reason is its last line") {
  World world;
  REQUIRE(
      world.supervisor.Start({Fake("echo loading >&2; echo 'no weights in w.pth' >&2; exit 2")}));
  REQUIRE(world.StepUntil([&] { return !world.cannot_start.empty(); }));
  CHECK(world.cannot_start[0] == "fake-0> no weights in w.pth");
  CHECK(world.ends.size() == 1);
  CHECK_FALSE(world.supervisor.NextRestart());
}

TEST_CASE("one worker's death leaves the others alone") {
  World world;
  REQUIRE(world.supervisor.Start({Fake("exec sleep 60", 0), Fake("exit 1", 1)}));
  REQUIRE(world.StepUntil([&] { return !world.ends.empty(); }));
  CHECK(world.ends[0].replica == 1);
  CHECK_FALSE(world.supervisor.AllEnded());
}

TEST_CASE("once it is stopping, ends are expected and nothing is restarted") {
  World world;
  REQUIRE(world.supervisor.Start({Fake("exit 1", 0), Fake("exec sleep 60", 1)}));
  REQUIRE(world.StepUntil([&] { return world.ends.size() == 1; }));
  REQUIRE(world.supervisor.NextRestart());
  world.supervisor.StopRestarting();
  CHECK_FALSE(world.supervisor.NextRestart());
  world.supervisor.KillAll(SIGTERM);
  REQUIRE(world.StepUntil([&] { return world.supervisor.AllEnded(); }));
  CHECK(world.ends.back().expected);
  world.clock.Advance(seconds(60));
  world.supervisor.Step();
  CHECK(world.supervisor.AllEnded());
}

TEST_CASE("an executable that is not there is an error at once") {
  World world;
  WorkerCommand command = Fake("");
  command.child.executable = "/nonexistent/millrace-fake";
  const auto started = world.supervisor.Start({command});
  REQUIRE_FALSE(started);
  CHECK(started.error().message.find("/nonexistent/millrace-fake") != std::string::npos);
}

TEST_CASE("a worker that the broker has given up is continued, told to leave, and started again") {
  World world;
  REQUIRE(world.supervisor.Start({Fake("echo $$ >&2; exec sleep 60")}));
  const pid_t pid = world.Pid();
  kill(pid, SIGSTOP);
  world.supervisor.GiveUp(pid + 100000);  // no worker of ours
  CHECK(world.frozen.empty());
  world.supervisor.GiveUp(pid);
  world.supervisor.GiveUp(pid);  // the broker says it again until it hears of the end
  CHECK(world.frozen ==
        std::vector<std::string>{
            "fake-0 (process " + std::to_string(pid) +
            ") does not answer the broker any more; it is ended and started again"});
  REQUIRE(world.StepUntil([&] { return world.ends.size() == 1; }));
  CHECK(world.ends[0].signal == SIGTERM);
  CHECK_FALSE(world.ends[0].expected);
  world.clock.Advance(WorkerSupervisor::kFirstBackoff);
  REQUIRE(world.StepUntil([&] { return world.lines.size() == 2; }));
  CHECK(world.Pid() != pid);
}

TEST_CASE("a worker that does not leave when it is told is killed") {
  World world;
  REQUIRE(world.supervisor.Start({Fake("trap '' TERM; echo $$ >&2; while :; do sleep 1; done")}));
  world.supervisor.GiveUp(world.Pid());
  CHECK(world.supervisor.NextStep() == world.clock.Now() + WorkerSupervisor::kFrozenGrace);
  world.clock.Advance(WorkerSupervisor::kFrozenGrace);
  REQUIRE(world.StepUntil([&] { return world.ends.size() == 1; }));
  CHECK(world.ends[0].signal == SIGKILL);
}

TEST_CASE("a worker that cannot be killed is reported and left behind, and another is started") {
  World world;
  REQUIRE(world.supervisor.Start({Fake("echo $$ >&2; exec sleep 60")}));
  const pid_t pid = world.Pid();
  world.unheard = 64;  // as in a call that the kernel does not return from
  world.supervisor.GiveUp(pid);
  world.clock.Advance(WorkerSupervisor::kFrozenGrace);
  world.supervisor.Step();
  world.clock.Advance(WorkerSupervisor::kKilledGrace);
  world.supervisor.Step();
  REQUIRE(world.frozen.size() == 2);
  CHECK(world.frozen[1].find("cannot be killed; it is left behind") != std::string::npos);
  CHECK(world.supervisor.AllEnded());
  world.clock.Advance(WorkerSupervisor::kFirstBackoff);
  REQUIRE(world.StepUntil([&] { return world.lines.size() == 2; }));
  world.unheard = 0;
  CHECK(kill(pid, SIGKILL) == 0);
}

TEST_CASE("a worker that is found stopped again and again is ended, whatever the broker knows") {
  World world;
  REQUIRE(world.supervisor.Start({Fake("echo $$ >&2; exec sleep 60")}));
  const pid_t pid = world.Pid();
  for (int i = 0; i < WorkerSupervisor::kStoppedLooks; ++i) world.supervisor.Look();
  CHECK(world.frozen.empty());
  kill(pid, SIGSTOP);
  REQUIRE(world.StepUntil([&] {
    world.supervisor.Look();
    return !world.frozen.empty();
  }));
  CHECK(world.frozen[0].find("is stopped; it is ended and started again") != std::string::npos);
  REQUIRE(world.StepUntil([&] { return world.ends.size() == 1; }));
}

TEST_CASE(
    "once the broker has left, a worker that does not leave is killed, and so is a stopped one") {
  World world;
  REQUIRE(world.supervisor.Start(
      {Fake("trap '' TERM; echo $$ >&2; while :; do sleep 1; done", 0), Fake("exec sleep 60", 1)}));
  world.Pid();
  world.supervisor.StopRestarting();
  world.supervisor.EndAll();
  REQUIRE(world.StepUntil([&] { return world.ends.size() == 1; }));
  CHECK(world.ends[0].replica == 1);
  world.clock.Advance(WorkerSupervisor::kLeaveGrace);
  REQUIRE(world.StepUntil([&] { return world.supervisor.AllEnded(); }));
  CHECK(world.ends[1].signal == SIGKILL);
}

TEST_CASE("children that still run are killed with their supervisor") {
  pid_t pid = 0;
  {
    World world;
    REQUIRE(world.supervisor.Start({Fake("echo $$ >&2; exec sleep 60")}));
    REQUIRE(world.StepUntil([&] { return !world.lines.empty(); }));
    pid = std::stoi(world.lines[0].substr(world.lines[0].find('>') + 1));
    REQUIRE(kill(pid, 0) == 0);
  }
  CHECK(kill(pid, 0) == -1);
}

}  // namespace
}  // namespace millrace::cli
