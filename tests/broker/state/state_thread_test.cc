// The state's thread, from the side of the loop that it serves: a state on disk, and its syncs.
#include "broker/state/state_thread.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sqlite3.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "broker/state/open_state.h"
#include "common/os/temp_dir.h"

using namespace millrace;

namespace {

constexpr int kPatienceMs = 60'000;
constexpr std::size_t kStages = 2;

// Holds the state's thread until it is opened: meanwhile what is posted has to wait.
class Gate {
 public:
  void Pass() {
    std::unique_lock lock(mutex_);
    reached_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  void AwaitReached() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reached_; });
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool reached_ = false;
  bool open_ = false;
};

struct ThreadWorld {
  ThreadWorld() {
    commits_before = Number("SELECT commits FROM version");
    // Read in the state's thread, at each commit.
    sqlite3_commit_hook(
        opened.database->getHandle(),
        [](void* world) {
          auto& self = *static_cast<ThreadWorld*>(world);
          if (self.hold_commits) self.gate.Pass();
          return self.refuse_commits ? 1 : 0;
        },
        this);
    auto started = StateThread::Start(std::make_unique<State>(opened.database, kStages));
    REQUIRE(started);
    thread = std::move(*started);
  }
  ~ThreadWorld() {
    gate.Open();
    thread.reset();
    sqlite3_commit_hook(opened.database->getHandle(), nullptr, nullptr);
  }

  static OpenedState OpenIn(const Result<TempDir>& folder) {
    REQUIRE(folder);
    Result<OpenedState> state = OpenState(folder->path());
    REQUIRE_MESSAGE(state, state.error().message);
    return std::move(*state);
  }
  static OpenRun Into(int number) {
    OpenRun open;
    open.order.input = "/in";
    open.order.output = "/out/" + std::to_string(number);
    return open;
  }
  [[nodiscard]] bool Readable(int patience_ms) const {
    pollfd event{thread->event_fd(), POLLIN, 0};
    return poll(&event, 1, patience_ms) == 1;
  }
  // One round of the loop: waits until something is said to be there, and takes it.
  const StateProgress& AwaitProgress() {
    REQUIRE(Readable(kPatienceMs));
    StateProgress taken = thread->Take();
    for (StateAnswered& each : taken.answers) answers.push_back(std::move(each));
    taken.answers.clear();
    last = std::move(taken);
    return last;
  }
  void AwaitDurable(std::uint64_t number) {
    while (last.durable < number) {
      AwaitProgress();
      REQUIRE_FALSE(last.broken.has_value());
    }
  }

  // Once the thread is gone.
  std::int64_t Number(const std::string& sql) {
    return opened.database->execAndGet(sql).getInt64();
  }
  std::int64_t Runs() { return Number("SELECT COUNT(*) FROM runs"); }

  Result<TempDir> folder = TempDir::Create();
  OpenedState opened = OpenIn(folder);
  std::int64_t commits_before = 0;
  std::atomic<bool> refuse_commits = false;
  std::atomic<bool> hold_commits = false;  // each waits for the gate: a slow disk
  Gate gate;
  std::unique_ptr<StateThread> thread;
  StateProgress last;
  std::vector<StateAnswered> answers;
};

}  // namespace

TEST_CASE("every request is answered once, in order, while more are posted") {
  ThreadWorld world;
  constexpr int kRequests = 100;
  for (int i = 1; i <= kRequests; ++i) {
    CHECK(world.thread->Post(ThreadWorld::Into(i)) == static_cast<std::uint64_t>(i));
    CHECK_FALSE(world.thread->idle());
    if (i % 10 == 0) world.AwaitProgress();
  }
  world.AwaitDurable(kRequests);
  CHECK(world.thread->idle());
  REQUIRE(world.answers.size() == kRequests);
  for (int i = 0; i < kRequests; ++i) {
    const StateAnswered& each = world.answers[static_cast<std::size_t>(i)];
    CHECK(each.number == static_cast<std::uint64_t>(i) + 1);
    REQUIRE(each.answer);
    CHECK(std::get<RunOpened>(*each.answer).order.output == ThreadWorld::Into(i + 1).order.output);
  }
}

TEST_CASE("the descriptor is readable when there is something to take, and not after that") {
  ThreadWorld world;
  CHECK_FALSE(world.Readable(0));
  world.thread->Post(ThreadWorld::Into(1));
  CHECK(world.AwaitProgress().durable == 1);
  CHECK_FALSE(world.Readable(0));
  CHECK(world.thread->Take().answers.empty());
}

TEST_CASE("what is posted while the disk is busy shares one commit, and is told together") {
  ThreadWorld world;
  world.hold_commits = true;
  world.thread->Post(ThreadWorld::Into(1));
  world.gate.AwaitReached();
  for (int i = 2; i <= 6; ++i) world.thread->Post(ThreadWorld::Into(i));
  world.gate.Open();
  while (world.last.durable < 6) {
    const std::uint64_t durable = world.AwaitProgress().durable;
    CHECK((durable <= 1 || durable == 6));
  }
  CHECK(world.answers.size() == 6);
  world.thread.reset();
  CHECK(world.Number("SELECT commits FROM version") == world.commits_before + 2);
  CHECK(world.Runs() == 6);
}

TEST_CASE("a page of a report costs no commit") {
  ThreadWorld world;
  world.thread->Post(ThreadWorld::Into(1));
  world.AwaitDurable(1);
  world.thread->Post(ReadReport{RunId(1), ReadReport::List::kFailed, "failed", ""});
  world.AwaitDurable(2);
  CHECK(std::get<ReportPage>(*world.answers.back().answer).items.empty());
  world.thread.reset();
  CHECK(world.Number("SELECT commits FROM version") == world.commits_before + 1);
}

TEST_CASE("a request that is refused is answered, and the next one is carried out") {
  ThreadWorld world;
  world.thread->Post(RetryRun{"/nowhere", "", std::nullopt, ""});
  world.thread->Post(ThreadWorld::Into(1));
  world.AwaitDurable(2);
  REQUIRE(world.answers.size() == 2);
  REQUIRE_FALSE(world.answers[0].answer);
  CHECK(world.answers[0].answer.error().code == ErrorCode::kNotFound);
  CHECK(world.answers[1].answer);
}

TEST_CASE("after a commit that failed nothing is answered, and nothing of it is on disk") {
  ThreadWorld world;
  world.thread->Post(ThreadWorld::Into(1));
  world.AwaitDurable(1);
  world.refuse_commits = true;
  world.thread->Post(ThreadWorld::Into(2));
  while (!world.AwaitProgress().broken) CHECK(world.last.durable == 1);
  world.refuse_commits = false;
  world.thread->Post(ThreadWorld::Into(3));
  CHECK(world.last.durable == 1);
  CHECK(world.answers.size() == 1);
  CHECK_FALSE(world.thread->idle());
  world.thread.reset();
  CHECK(world.Runs() == 1);
}

TEST_CASE("it leaves while work waits: what is begun is finished, and no commit is halved") {
  ThreadWorld world;
  world.hold_commits = true;
  world.thread->Post(ThreadWorld::Into(1));
  world.gate.AwaitReached();
  for (int i = 2; i <= 6; ++i) world.thread->Post(ThreadWorld::Into(i));
  std::thread opener([&] { world.gate.Open(); });
  world.thread.reset();
  opener.join();
  // The gate may open before the thread is told to leave, or after.
  const std::int64_t runs = world.Runs();
  CHECK((runs == 1 || runs == 6));
}

TEST_CASE("it leaves at once after requests: those that are on disk are the first of them") {
  ThreadWorld world;
  for (int i = 1; i <= 20; ++i) world.thread->Post(ThreadWorld::Into(i));
  world.thread.reset();
  const std::int64_t runs = world.Runs();
  CHECK(runs <= 20);
  CHECK(world.Number("SELECT COALESCE(MAX(CAST(SUBSTR(output, 6) AS INTEGER)), 0) FROM roots") ==
        runs);
}
