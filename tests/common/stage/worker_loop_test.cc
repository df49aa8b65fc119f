#include "common/stage/worker_loop.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "common/base/log.h"
#include "common/stage/recipe.h"
#include "tests/common/stage/fake_broker.h"
#include "tests/common/stage/scripted_stage.h"

namespace millrace {
namespace {

using std::chrono::milliseconds;

// A worker on a thread of its own, as a process would be: its own context, handler and loop.
class Worker {
 public:
  Worker(const FakeBroker& broker, Script script,
         WorkerSettings settings = {.credit = 4, .silence = kPatience}, Result<void> start = {})
      : config_{.hello = {.stage = "test", .replica = 3, .boot = "0123456789abcdef", .pid = 1},
                .recipe_text = "a test",
                .control = broker.control(),
                .settings = settings,
                .heartbeat = kPatience},
        signals_(SignalFd::Open().value()),
        handler_(Handler::Begin([=] { return std::make_unique<ScriptedStage>(script, start); },
                                {.stage = "test"})
                     .value()) {
    thread_ = std::thread([this] {
      auto context = net::Context::Create().value();
      auto loop = WorkerLoop::Make(config_, context, signals_, *handler_, NullLogger()).value();
      end_ = loop->Run();
      over_ = true;
    });
  }
  ~Worker() {
    // Signals of one number that are pending together are one, so one is not enough for a worker
    // that has something in hand; one too many would be the next worker's.
    while (!over_.load()) {
      Signal(SIGTERM);
      std::this_thread::yield();
    }
    if (thread_.joinable()) thread_.join();
    while (signals_.Next()) {
    }
  }
  static void Signal(int number) { kill(getpid(), number); }
  WorkerEnd Join() {
    thread_.join();
    return end_;
  }
  // A second signal counts a second after the first (StopSignals): gives it until it has.
  WorkerEnd Insist(int number) {
    while (!over_.load()) {
      Signal(number);
      std::this_thread::yield();
    }
    return Join();
  }
  // While the broker goes on answering.
  WorkerEnd Join(FakeBroker& broker) {
    while (!over_.load()) broker.Count<wire::Beat>();
    return Join();
  }

 private:
  WorkerConfig config_;
  SignalFd signals_;
  std::unique_ptr<Handler> handler_;
  WorkerEnd end_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

std::string PayloadOf(const wire::DoneReport& report, std::size_t index = 0) {
  return std::string(
      std::get<wire::ItemResult>(report.results.at(index).what).payload.at(0).data.text());
}

TEST_CASE("a worker says who it is, gives credit, and takes a job from claim to done") {
  FakeBroker broker;
  Worker worker(broker, Echo);
  const wire::Hello hello = broker.AwaitHello();
  CHECK(hello.stage == "test");
  CHECK(hello.replica == 3);
  CHECK(hello.boot == "0123456789abcdef");
  CHECK(hello.attempt == 1);
  CHECK(hello.version == wire::kProtocolVersion);
  CHECK(hello.recipe == RecipeDigest("a test", "a script"));
  broker.Welcome();
  CHECK(broker.Await<wire::Credit>().slots == 4);
  const auto leases = broker.SendJobs({"first"});
  CHECK(broker.Await<wire::Claim>().leases == leases);
  const auto done = broker.Await<wire::DoneReport>();
  CHECK(done.results.at(0).lease == leases[0]);
  CHECK(PayloadOf(done) == "first");
}

TEST_CASE("a large payload goes through a worker whole") {
  FakeBroker broker;
  Worker worker(broker, Echo);
  broker.Join();
  const std::string large(900'000, 'x');
  broker.SendJobs({large});
  CHECK(PayloadOf(broker.Await<wire::DoneReport>()) == large);
}

TEST_CASE("a result over WELCOME's max_payload fails its job") {
  FakeBroker broker;
  broker.max_payload = 10;
  Worker worker(broker, Echo);
  broker.Join();
  broker.SendJobs({"this is longer than ten"});
  CHECK(broker.Await<wire::FailReport>().results.at(0).code == "too-large");
}

TEST_CASE("a hundred jobs a batch at a time all come back, in order") {
  FakeBroker broker;
  Worker worker(
      broker, Echo,
      {.batch_max = 3, .batch_delay = milliseconds(1), .credit = 10, .silence = kPatience});
  const std::int64_t slots = broker.Join();
  std::vector<wire::Lease> sent;
  std::vector<wire::Lease> done;
  for (int i = 0; i < 100; ++i) {
    while (static_cast<std::int64_t>(sent.size() - done.size()) >= slots) {
      for (const auto& result : broker.Await<wire::DoneReport>().results) {
        done.push_back(result.lease);
      }
    }
    sent.push_back(broker.SendJobs({std::to_string(i)})[0]);
  }
  while (done.size() < sent.size()) {
    for (const auto& result : broker.Await<wire::DoneReport>().results)
      done.push_back(result.lease);
  }
  CHECK(done == sent);
}

TEST_CASE("a busy worker goes on beating, with what it claims and its handler's progress") {
  FakeBroker broker;
  Gate gate;
  std::atomic<JobContext*> running{nullptr};
  Worker worker(broker, [&](std::span<const Job> jobs, JobContext& context) {
    running = &context;
    gate.Pass();
    return Echo(jobs, context);
  });
  broker.Join();
  const auto leases = broker.SendJobs({"slow"});
  gate.AwaitArrival();
  wire::Beat beat;
  broker.AwaitCondition([&] {
    beat = broker.Await<wire::Beat>();
    return beat.claimed == leases;
  });
  running.load()->Progress();
  const std::uint64_t before = beat.progress;
  broker.AwaitCondition([&] { return broker.Await<wire::Beat>().progress > before; });
  gate.Open();
  broker.Await<wire::DoneReport>();
}

TEST_CASE("a waiting job that is revoked comes back; the one in hand is told, and comes back too") {
  FakeBroker broker;
  Gate gate;
  std::atomic<bool> cancelled{false};
  Worker worker(broker, [&](std::span<const Job> jobs, JobContext& context) {
    gate.Pass();
    cancelled = context.Cancelled(jobs[0]);
    return Echo(jobs, context);
  });
  broker.Join();
  const auto leases = broker.SendJobs({"in hand", "waiting"});
  gate.AwaitArrival();
  broker.Send(wire::Revoke{broker.link(), leases});
  CHECK(broker.Await<wire::Return>().leases == std::vector{leases[1]});
  gate.Open();
  CHECK(broker.Await<wire::Return>().leases == std::vector{leases[0]});
  CHECK(cancelled);
  CHECK(broker.Count<wire::DoneReport>() == 0);
}

TEST_CASE("jobs for another incarnation are neither processed nor answered, but counted") {
  FakeBroker broker;
  Worker worker(broker, Echo);
  broker.Join();
  wire::JobMessage foreign{broker.link(), {{RunId(1), "", "", ""}}, {}};
  foreign.link.incarnation = IncarnationId(999);
  foreign.jobs.push_back({.lease = {JobId(50), Delivery(1)}, .run = RunId(1), .key = "x"});
  broker.Send(foreign);
  const auto mine = broker.SendJobs({"mine"});
  CHECK(broker.Await<wire::DoneReport>().results.at(0).lease == mine[0]);
  broker.AwaitCondition([&] { return broker.Await<wire::Beat>().foreign_jobs == 1; });
  CHECK(broker.Count<wire::DoneReport>() == 0);
}

TEST_CASE("a worker that loses its feed says HELLO with the next attempt and starts afresh") {
  FakeBroker broker;
  Worker worker(broker, Echo);
  broker.Join();
  broker.EndIncarnation();
  const wire::Hello hello = broker.AwaitHello();
  CHECK(hello.attempt == 2);
  CHECK(hello.boot == "0123456789abcdef");
  broker.Welcome();
  CHECK(broker.Await<wire::Credit>().slots == 4);
  const auto leases = broker.SendJobs({"again"});
  CHECK(broker.Await<wire::DoneReport>().results.at(0).lease == leases[0]);
}

TEST_CASE("what was in hand when the link went is reported to nobody, and holds back credit") {
  FakeBroker broker;
  Gate gate;
  std::atomic<bool> may_publish{true};
  Worker worker(broker, [&](std::span<const Job> jobs, JobContext& context) {
    gate.Pass();
    may_publish = context.MayPublish(jobs[0]);
    return Echo(jobs, context);
  });
  broker.Join();
  broker.SendJobs({"lost"});
  gate.AwaitArrival();
  broker.EndIncarnation();
  broker.AwaitHello();
  broker.Welcome();
  broker.Await<wire::Beat>();
  broker.Await<wire::Beat>();
  CHECK(broker.Count<wire::Credit>() == 0);
  gate.Open();
  broker.Await<wire::Credit>();
  CHECK_FALSE(may_publish);
  CHECK(broker.Count<wire::DoneReport>() == 0);
  CHECK(broker.Count<wire::Return>() == 0);
}

TEST_CASE("a broker that stops answering beats is greeted anew") {
  FakeBroker broker;
  Worker worker(broker, Echo, {.credit = 4, .silence = milliseconds(100)});
  broker.Join();
  broker.StopAnsweringBeats();
  CHECK(broker.AwaitHello().attempt == 2);
}

TEST_CASE("SIGTERM drains: credit back, what waits returned, what runs finished and confirmed") {
  FakeBroker broker;
  Gate gate;
  Worker worker(broker, [&](std::span<const Job> jobs, JobContext& context) {
    gate.Pass();
    return Echo(jobs, context);
  });
  broker.Join();
  const auto leases = broker.SendJobs({"in hand", "waiting"});
  gate.AwaitArrival();
  Worker::Signal(SIGTERM);
  CHECK(broker.Await<wire::Credit>().slots == 0);
  CHECK(broker.Await<wire::Return>().leases == std::vector{leases[1]});
  gate.Open();
  CHECK(broker.Await<wire::DoneReport>().results.at(0).lease == leases[0]);
  const WorkerEnd end = worker.Join(broker);
  CHECK(end.status == 0);
}

TEST_CASE("a drain of the broker's lets an idle worker go") {
  FakeBroker broker;
  Worker worker(broker, Echo);
  broker.Join();
  broker.Send(wire::Drain{broker.link()});
  CHECK(worker.Join(broker).status == 0);
}

TEST_CASE("a second SIGTERM does not wait for the handler") {
  FakeBroker broker;
  Gate gate;
  Worker worker(broker, [&](std::span<const Job> jobs, JobContext& context) {
    gate.Pass();
    return Echo(jobs, context);
  });
  broker.Join();
  broker.SendJobs({"in hand"});
  gate.AwaitArrival();
  Worker::Signal(SIGTERM);
  broker.Await<wire::Credit>();
  CHECK(worker.Insist(SIGTERM).status == 128 + SIGTERM);
  gate.Open();
}

TEST_CASE("a stage that cannot start ends the worker before it says HELLO") {
  FakeBroker broker;
  Worker worker(broker, Echo, {}, Fail(ErrorCode::kNotFound, "no weights at /w.pth"));
  const WorkerEnd end = worker.Join();
  CHECK(end.status == 2);
  CHECK(end.reason == "cannot start: no weights at /w.pth");
}

TEST_CASE("a broker's refusal of the stage ends the worker with its reason") {
  FakeBroker broker;
  Worker worker(broker, Echo);
  broker.AwaitHello();
  broker.Refuse({ErrorCode::kUsage, "no stage is called test"});
  const WorkerEnd end = worker.Join();
  CHECK(end.status == 2);
  CHECK(end.reason.find("no stage is called test") != std::string::npos);
}

TEST_CASE("a worker whose recipe is not the stage's leaves with the broker's words") {
  FakeBroker broker;
  Worker worker(broker, Echo);
  broker.Join();
  broker.EndIncarnation();  // a broker that was started anew meanwhile
  CHECK(broker.AwaitHello().recipe == RecipeDigest("a test", "a script"));
  broker.Refuse({ErrorCode::kUsage, "test's other workers have another recipe"});
  const WorkerEnd end = worker.Join();
  CHECK(end.status == static_cast<int>(WorkerExit::kCannotStart));
  CHECK(end.reason == "the broker refused: test's other workers have another recipe");
}

TEST_CASE("a worker without a broker gives up in the time it was given") {
  FakeBroker broker;  // listens, and never answers
  Worker worker(broker, Echo, {.give_up_after = milliseconds(50)});
  CHECK(worker.Join().status == 3);
}

TEST_CASE("an idle worker wakes for its beats and nothing else") {
  FakeBroker broker;
  Worker worker(broker, Echo);
  broker.Join();
  // The whole process, the fake broker included, at fifty beats a second.
  const auto cpu = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return std::chrono::seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           std::chrono::microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  };
  const auto cpu_before = cpu();
  const int beats_before = broker.beats();
  const Instant before = SteadyClock().Now();
  broker.AwaitCondition([&] { return broker.beats() >= beats_before + 40; });
  const Duration took = SteadyClock().Now() - before;
  const Duration spent = cpu() - cpu_before;
  MESSAGE("CPU ", std::chrono::duration<double>(spent).count(), " s in ",
          std::chrono::duration<double>(took).count(), " s");
  // A loop that spins takes all of a core; the bound leaves room for sanitizers.
  CHECK(spent < took / 3);
}

}  // namespace
}  // namespace millrace
