// A stage's executable as a process: its command line, its exit status, its signals.
#include <doctest/doctest.h>
#include <poll.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "common/os/child.h"
#include "common/os/temp_dir.h"
#include "tests/common/os/sandbox_probe.h"
#include "tests/common/stage/fake_broker.h"

namespace millrace {
namespace {

const std::string kSandbox = "first.sandbox=true";

class Process {
 public:
  explicit Process(const std::vector<std::string>& more, bool supervised = false) {
    topology_ = folder_.path() + "/topology.yaml";
    std::ofstream(topology_) << "version: 1\nname: test\nbroker: {heartbeat: 20s}\nstages:\n"
                                "  - {name: first, executable: test-stage}\n"
                                "  - {name: other, executable: scanner}\n";
    ChildOptions options{.executable = MILLRACE_TEST_STAGE, .capture_stderr = true};
    options.arguments = {"--topology", topology_};
    options.arguments.insert(options.arguments.end(), more.begin(), more.end());
    if (supervised) options.environment = {{"MILLRACE_SUPERVISED", "1"}};
    if (std::ranges::count(more, kSandbox) > 0) {
      // LeakSanitizer looks for leaks from a process that it clones at the end, which is forbidden.
      const char* asan = std::getenv("ASAN_OPTIONS");
      options.environment.emplace_back(
          "ASAN_OPTIONS", std::string(asan == nullptr ? "" : asan) + ":detect_leaks=0");
    }
    child_ = Child::Start(options).value();
  }
  ChildEnd Wait() {
    while (child_->stderr_fd() >= 0) {
      pollfd item{child_->stderr_fd(), POLLIN, 0};
      REQUIRE(poll(&item, 1, 20000) == 1);
      said_ += child_->ReadStderr();
    }
    return child_->Wait();
  }
  // A second signal counts a second after the first (StopSignals): gives it until it has.
  ChildEnd Insist(int number) {
    while (child_->stderr_fd() >= 0) {
      Signal(number);
      pollfd item{child_->stderr_fd(), POLLIN, 0};
      if (poll(&item, 1, 20) == 1) said_ += child_->ReadStderr();
    }
    return child_->Wait();
  }
  void AwaitSaying(const std::string& text) {
    while (said_.find(text) == std::string::npos) {
      pollfd item{child_->stderr_fd(), POLLIN, 0};
      REQUIRE(poll(&item, 1, 20000) == 1);
      said_ += child_->ReadStderr();
    }
  }
  void Signal(int number) { child_->Kill(number); }
  [[nodiscard]] const std::string& said() const { return said_; }

 private:
  TempDir folder_ = TempDir::Create().value();
  std::string topology_;
  std::optional<Child> child_;
  std::string said_;
};

bool Says(const Process& process, const std::string& text) {
  return process.said().find(text) != std::string::npos;
}

TEST_CASE("a wrong command line, stage or option is status 2 and says which") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong{
      {{}, "--stage"},
      {{"--stage", "third"}, "\"third\""},
      {{"--stage", "other"}, "scanner"},
      {{"--stage", "first", "--set", "first.options.broke=true"}, "broken"},
      {{"--stage", "first", "--control", "nowhere"}, "nowhere"},
      {{"--stage", "first", "--replica", "-1"}, "--replica"},
      {{"--stage", "first", "--set", "first.options.broken=true"}, "cannot start: it is broken"},
  };
  for (const auto& [arguments, text] : wrong) {
    Process process(arguments);
    const ChildEnd end = process.Wait();
    CAPTURE(process.said());
    CHECK(end == ChildEnd{.status = 2, .signal = 0});
    CHECK(Says(process, text));
  }
}

TEST_CASE("a worker that cannot start tells the broker, unless its supervisor does") {
  FakeBroker broker;
  const std::vector<std::string> arguments{"--stage", "first",     "--replica",
                                           "1",       "--control", broker.control().Text()};
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"first.options.broken=true", "cannot start: it is broken"},  // the stage
      {"first.options.file=/no/such/file", "/no/such/file"},        // its options
      {"first.options.brokne=true", "brokne"},
      {"first.options.broken=perhaps", "perhaps"},
  };
  for (const auto& [set, text] : wrong) {
    auto more = arguments;
    more.insert(more.end(), {"--set", set});
    Process process(more);
    const wire::Exit exit = broker.AwaitExit();
    CHECK(exit.stage == "first");
    CHECK(exit.replica == 1);
    CHECK(exit.pid == 0);  // no process that the broker could know
    CHECK(exit.status == 2);
    CHECK_FALSE(exit.expected);
    CHECK(exit.stderr_tail.find(text) != std::string::npos);
    CHECK(process.Wait() == ChildEnd{.status = 2, .signal = 0});
    Process supervised(more, /*supervised=*/true);
    CHECK(supervised.Wait() == ChildEnd{.status = 2, .signal = 0});
    CHECK_FALSE(broker.HasExit());
  }
}

TEST_CASE("--version and --help succeed") {
  for (const char* flag : {"--version", "--help"}) {
    Process process({flag});
    CHECK(process.Wait() == ChildEnd{});
  }
}

TEST_CASE("a worker without a broker leaves with status 3") {
  Process process(
      {"--stage", "first", "--give-up-after", "0.05", "--control", "ipc:///nowhere/at/all"});
  CHECK(process.Wait().status == 3);
}

TEST_CASE("a process takes a job, drains on SIGTERM and leaves with 0") {
  FakeBroker broker;
  Process process({"--stage", "first", "--replica", "2", "--control", broker.control().Text()});
  const wire::Hello hello = broker.AwaitHello();
  CHECK(hello.stage == "first");
  CHECK(hello.replica == 2);
  CHECK(hello.boot.size() == 16);
  CHECK(hello.pid > 0);
  CHECK(hello.software.starts_with("millrace-test-stage "));
  broker.Welcome();
  CHECK(broker.Await<wire::Credit>().slots == 2);
  broker.SendJobs({"one"});
  broker.Await<wire::DoneReport>();
  process.Signal(SIGTERM);
  broker.Await<wire::Credit>();
  CHECK(process.Wait() == ChildEnd{});
}

TEST_CASE("the terminal's interrupt drains a worker, unless it is supervised") {
  FakeBroker broker;
  {
    Process alone({"--stage", "first", "--control", broker.control().Text()});
    broker.Join();
    alone.Signal(SIGINT);
    CHECK(broker.Await<wire::Credit>().slots == 0);
    CHECK(alone.Wait() == ChildEnd{});
  }
  Process supervised({"--stage", "first", "--control", broker.control().Text()}, true);
  broker.Join();
  supervised.Signal(SIGINT);
  broker.SendJobs({"one"});
  broker.Await<wire::DoneReport>();
  broker.Await<wire::Beat>();
  CHECK(broker.Count<wire::Credit>() == 0);
}

TEST_CASE("a handler that never returns does not keep its process from leaving") {
  FakeBroker broker;
  broker.lease_ms = 50;
  Process process({"--stage", "first", "--control", broker.control().Text()});
  broker.Join();
  broker.SendJobs({"stuck"});
  process.AwaitSaying("processing stuck");
  broker.EndIncarnation();
  CHECK(process.Wait() == ChildEnd{.status = 4, .signal = 0});
  CHECK(Says(process, "has not returned"));
}

TEST_CASE(
    "a broken stage's process leaves with 5 and the reason, and reports nothing of the call") {
  FakeBroker broker;
  Process process({"--stage", "first", "--control", broker.control().Text()});
  broker.Join();
  broker.SendJobs({"breaks"});
  broker.Await<wire::Claim>();
  CHECK(process.Wait() == ChildEnd{.status = 5, .signal = 0});
  CHECK(Says(process, "the device is lost"));
  CHECK(broker.Count<wire::DoneReport>() + broker.Count<wire::FailReport>() == 0);
}

TEST_CASE("two SIGTERMs end a process whose handler is stuck") {
  FakeBroker broker;
  Process process({"--stage", "first", "--control", broker.control().Text()});
  broker.Join();
  broker.SendJobs({"stuck"});
  process.AwaitSaying("processing stuck");
  process.Signal(SIGTERM);
  broker.Await<wire::Credit>();
  CHECK(process.Insist(SIGTERM).status == 128 + SIGTERM);
}

TEST_CASE("a worker in a sandbox works, loses its link, joins again and leaves as any other") {
  if (!SandboxPossible()) return;
  FakeBroker broker;
  Process process({"--stage", "first", "--set", kSandbox, "--control", broker.control().Text()});
  broker.Join();
  broker.SendJobs({"hostile"});
  broker.Await<wire::DoneReport>();
  process.AwaitSaying("sandbox: seccomp");
  process.AwaitSaying("reading: works");
  process.AwaitSaying("writing: Operation not permitted");
  process.AwaitSaying("network: Operation not permitted");
  process.AwaitSaying("program: Operation not permitted");
  broker.EndIncarnation();
  CHECK(broker.AwaitHello().attempt == 2);
  broker.Welcome();
  broker.Await<wire::Credit>();
  broker.SendJobs({"one"});
  broker.Await<wire::DoneReport>();
  process.Signal(SIGTERM);
  broker.Await<wire::Credit>();
  CHECK(process.Wait() == ChildEnd{});
}

TEST_CASE("a worker that cannot have the sandbox it was told to enter does not start") {
  if (!SandboxPossible()) return;
  FakeBroker broker;
  Process process({"--stage", "first", "--set", kSandbox, "--set",
                   "first.options.without_seccomp=true", "--control", broker.control().Text()});
  CHECK(process.Wait() == ChildEnd{.status = 2, .signal = 0});
  CHECK(Says(process, "cannot start: cannot enter the sandbox: no seccomp filter"));
}

}  // namespace
}  // namespace millrace
