// Workers that go away: who is charged, who is not, and what runs by itself after that.
#include <doctest/doctest.h>

#include "tests/broker/queue_world.h"

using namespace millrace;
using namespace millrace::testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

struct Items : QueueWorld {
  explicit Items(const std::vector<std::string>& keys) {
    run = AddRun();
    scanner = Join(kScan);
    FinishScan(scanner, keys);
  }
  RunId run;
  IncarnationId scanner;
};

}  // namespace

TEST_CASE("a job on a dead link is requeued at once without an attempt if it was not begun") {
  Items world({"a"});
  const IncarnationId first = world.Join(kWork, 1, 0);
  const IncarnationId second = world.Join(kWork, 1, 1);
  REQUIRE(world.Held(first).size() == 1);
  world.Kill(first);
  REQUIRE(world.Held(second).size() == 1);
  CHECK(world.JobOf("a")->marks.attempts == 0);
  CHECK_FALSE(world.JobOf("a")->marks.alone);
}

TEST_CASE("a batch that dies charges nobody, and each of it runs by itself after that") {
  Items world({"a", "b"});
  const IncarnationId first = world.Join(kWork, 2, 0);
  world.ClaimAll(first);
  world.Kill(first);
  const IncarnationId second = world.Join(kWork, 2, 1);
  REQUIRE(world.Held(second).size() == 1);
  const QueuedJob* job = world.queue.FindJob(world.Held(second)[0].job);
  CHECK(job->marks.alone);
  CHECK(job->marks.attempts == 0);
}

TEST_CASE("a death alone is charged, after a pause") {
  Items world({"a"});
  const IncarnationId first = world.Join(kWork, 1, 0);
  world.ClaimAll(first);
  world.Kill(first);
  const IncarnationId second = world.Join(kWork, 1, 1);
  CHECK(world.Held(second).empty());
  world.Advance(milliseconds(200));
  REQUIRE(world.Held(second).size() == 1);
  CHECK(world.JobOf("a")->marks.attempts == 1);
  CHECK(world.JobOf("a")->marks.alone);
}

TEST_CASE("an `alone` job goes to an empty worker, which gets nothing more until it ends") {
  Items world({"a", "b", "c", "d"});
  const IncarnationId doomed = world.Join(kWork, 2, 0);
  world.ClaimAll(doomed);
  world.Kill(doomed);  // a and b are `alone` now
  const IncarnationId worker = world.Join(kWork, 4, 1);
  REQUIRE(world.Held(worker).size() == 1);
  CHECK(world.queue.FindJob(world.Held(worker)[0].job)->marks.alone);
  world.Skip(worker, world.ClaimAll(worker).at(0));
  REQUIRE(world.Held(worker).size() == 1);
  CHECK(world.queue.FindJob(world.Held(worker)[0].job)->marks.alone);
  world.Skip(worker, world.ClaimAll(worker).at(0));
  CHECK(world.Held(worker).size() == 2);
}

TEST_CASE("one worker is emptied for an `alone` job while the others go on") {
  Items world({"a", "b", "c", "d", "e", "f", "g", "h"});
  const IncarnationId doomed = world.Join(kWork, 2, 0);
  const IncarnationId one = world.Join(kWork, 2, 1);
  const IncarnationId two = world.Join(kWork, 2, 2);
  world.ClaimAll(doomed);
  world.Kill(doomed);
  const auto reserved = [&] {
    return world.queue.workers().at(one).reserved + world.queue.workers().at(two).reserved;
  };
  CHECK(reserved() == 1);
  const IncarnationId chosen = world.queue.workers().at(one).reserved ? one : two;
  const IncarnationId other = chosen == one ? two : one;
  world.Claim(other, {world.Held(other)[0]});
  world.Skip(other, world.Held(other)[0]);
  CHECK(world.Held(other).size() == 2);  // it was fed
  while (!world.Held(chosen).empty() &&
         !world.queue.FindJob(world.Held(chosen)[0].job)->marks.alone) {
    world.Claim(chosen, {world.Held(chosen)[0]});
    world.Skip(chosen, world.Held(chosen)[0]);
  }
  REQUIRE(world.Held(chosen).size() == 1);
}

TEST_CASE("a culprit costs one death in a batch and max_attempts alone; its companions are ok") {
  Items world({"a", "poison", "b"});
  int deaths = 0;
  std::int64_t replica = 0;
  while (!world.Ended(world.run)) {
    const IncarnationId worker = world.Join(kWork, 3, replica++ % 2);
    while (!world.Held(worker).empty()) {
      const std::vector<wire::Lease> batch = world.ClaimAll(worker);
      bool dies = false;
      for (const wire::Lease& lease : batch) dies = dies || world.KeyOf(lease) == "poison";
      if (dies) {
        ++deaths;
        REQUIRE(deaths < 20);
        world.Kill(worker);
        break;
      }
      for (const wire::Lease& lease : batch) world.Skip(worker, lease);
    }
    world.Advance(seconds(1));
  }
  CHECK(deaths == 1 + 3);
  CHECK(world.EndOf("poison")->code == "worker-died");
  CHECK(world.EndOf("poison")->attempts == 3);
  CHECK(world.EndOf("poison")->text.find("signal 9") != std::string::npos);
  CHECK(world.Counts(world.run).skipped == 2);
  CHECK(world.queue.FindRun(world.run)->result == RunResult::kDone);
}

TEST_CASE("a job that kills twice before its claim becomes `alone`, and is charged then") {
  Items world({"poison"});
  int deaths = 0;
  while (!world.Ended(world.run)) {
    const IncarnationId worker = world.Join(kWork, 1, deaths % 2);
    if (!world.Held(worker).empty()) {
      ++deaths;
      REQUIRE(deaths < 20);
      world.Kill(worker);
    } else {
      world.LoseLink(worker);
    }
    world.Advance(seconds(1));
  }
  CHECK(deaths == 2 + 3);
  CHECK(world.EndOf("poison")->code == "worker-died");
}

TEST_CASE("a job lost twice before its claim runs by itself at once, before any verdict") {
  Items world({"a"});
  for (int i = 0; i < 2; ++i) {
    const IncarnationId worker = world.Join(kWork, 1, i);
    REQUIRE(world.Held(worker).size() == 1);
    CHECK_FALSE(world.JobOf("a")->marks.alone);
    world.LoseLink(worker);
  }
  const IncarnationId third = world.Join(kWork, 1, 2);
  REQUIRE(world.Held(third).size() == 1);
  CHECK(world.JobOf("a")->marks.alone);
  // Lost by itself it waits for the verdict: no fourth process is risked meanwhile.
  world.LoseLink(third);
  const IncarnationId fourth = world.Join(kWork, 1, 3);
  CHECK(world.Held(fourth).empty());
}

TEST_CASE(
    "a job lost twice before its claim is free again when the second process proves to live") {
  Items world({"a"});
  for (int i = 0; i < 2; ++i) {
    const IncarnationId worker = world.Join(kWork, 1, i, "boot" + std::to_string(i));
    world.LoseLink(worker);
  }
  const IncarnationId again = world.Join(kWork, 1, 1, "boot1");
  REQUIRE(world.Held(again).size() == 1);
  CHECK_FALSE(world.JobOf("a")->marks.alone);
  CHECK_FALSE(world.marks["a"].alone);
}

TEST_CASE("a link that was only lost charges nothing when its process says HELLO in time") {
  Items world({"a"});
  const IncarnationId first = world.Join(kWork, 1, 0, "boot-x");
  world.ClaimAll(first);
  world.LoseLink(first);
  world.Advance(seconds(1));
  const IncarnationId again = world.Join(kWork, 1, 0, "boot-x");
  REQUIRE(world.Held(again).size() == 1);
  CHECK(world.JobOf("a")->marks.attempts == 0);
  CHECK(world.JobOf("a")->marks.link_losses == 1);
  CHECK_FALSE(world.JobOf("a")->marks.alone);
}

TEST_CASE("the jobs of a batch whose link was only lost may share a batch again") {
  Items world({"a", "b"});
  const IncarnationId first = world.Join(kWork, 2, 0, "boot-x");
  world.ClaimAll(first);
  world.LoseLink(first);
  const IncarnationId again = world.Join(kWork, 2, 0, "boot-x");
  CHECK(world.Held(again).size() == 2);
}

TEST_CASE("without a HELLO in time a lost link is a death") {
  Items world({"a"});
  const IncarnationId first = world.Join(kWork, 1, 0, "boot-x");
  world.ClaimAll(first);
  world.LoseLink(first);
  world.Advance(kLossGrace);
  world.Advance(milliseconds(200));
  const IncarnationId other = world.Join(kWork, 1, 1);
  REQUIRE(world.Held(other).size() == 1);
  CHECK(world.JobOf("a")->marks.attempts == 1);
}

TEST_CASE("an item whose link is lost again and again is given up as lost-worker") {
  Items world({"a"});
  for (int i = 0; i <= kMaxLinkLosses; ++i) {
    const IncarnationId worker = world.Join(kWork, 1, 0, "boot-x");
    REQUIRE(world.Held(worker).size() == 1);
    world.LoseLink(worker);
  }
  world.Join(kWork, 1, 0, "boot-x");
  CHECK(world.EndOf("a")->code == "lost-worker");
}

TEST_CASE("the supervisor's word is enough when the end of the link does not come") {
  Items world({"a"});
  const IncarnationId worker = world.Join(kWork, 1, 0);
  world.ClaimAll(worker);
  world.queue.ProcessDied(worker, "exited with status 1", world.now);
  world.Advance(kDeathGrace);
  CHECK(world.cut == std::vector<IncarnationId>{worker});
  world.Advance(milliseconds(200));
  const IncarnationId other = world.Join(kWork, 1, 1);
  CHECK(world.Held(other).size() == 1);
}

TEST_CASE("a result that was under way when its worker died still counts") {
  Items world({"a"});
  const IncarnationId worker = world.Join(kWork, 1, 0);
  const wire::Lease lease = world.ClaimAll(worker).at(0);
  world.queue.ProcessDied(worker, "was killed by signal 9 (Killed)", world.now);
  world.FinishItem(worker, lease);
  world.queue.LinkLost(worker, world.now);
  world.Settle();
  CHECK(world.accepted.back() == lease);
  CHECK(world.queue.Totals(kSave, world.now).jobs == 1);
  CHECK(world.queue.Totals(kWork, world.now).jobs == 0);
}

TEST_CASE("five short lives of one replica are a crash loop, which stops the run with its reason") {
  Items world({"a", "b", "c"});
  for (int i = 0; i < 4; ++i) {
    world.queue.StillbornDied(kWork, 0, "exited with status 134", world.now);
  }
  world.Settle();
  CHECK(world.queue.FindRun(world.run)->phase == RunPhase::kActive);
  world.queue.StillbornDied(kWork, 0, "exited with status 134", world.now);
  world.Settle();
  CHECK(world.Ended(world.run));
  CHECK(world.queue.FindRun(world.run)->result == RunResult::kFailed);
  CHECK(world.queue.FindRun(world.run)->reason.find("status 134") != std::string::npos);
}

TEST_CASE("a run that is submitted after a crash loop does not end at the next death") {
  Items world({"a"});
  for (int i = 0; i < 5; ++i) {
    world.queue.StillbornDied(kWork, 0, "exited with status 134", world.now);
  }
  const RunId again = world.AddRun();
  world.queue.StillbornDied(kWork, 0, "exited with status 134", world.now);
  CHECK(world.queue.FindRun(world.run)->result == RunResult::kFailed);
  CHECK(world.queue.FindRun(again)->phase == RunPhase::kActive);
}

TEST_CASE("deaths after a job was ended are no crash loop") {
  Items world({"a", "b", "c", "d", "e", "f", "g", "h"});
  for (int i = 0; i < 7; ++i) {
    const IncarnationId worker = world.Join(kWork, 1, 0);
    world.Skip(worker, world.ClaimAll(worker).at(0));
    world.Kill(worker);
  }
  CHECK(world.queue.FindRun(world.run)->phase == RunPhase::kActive);
}

TEST_CASE("deaths after a long life are no crash loop") {
  QueueWorld world;
  const RunId run = world.AddRun();
  for (int i = 0; i < 7; ++i) {
    const IncarnationId worker = world.Join(kWork, 1, 0);
    world.Advance(seconds(11));
    world.Kill(worker);
  }
  CHECK(world.queue.FindRun(run)->phase == RunPhase::kActive);
}

TEST_CASE("many items in a row that all kill their workers are the workers' fault") {
  std::vector<std::string> keys;
  for (int i = 0; i < 50; ++i) keys.push_back("k" + std::to_string(i));
  Items world(keys);
  int deaths = 0;
  while (!world.Ended(world.run)) {
    const IncarnationId worker = world.Join(kWork, 1, deaths % 7);
    if (!world.Held(worker).empty()) world.ClaimAll(worker);
    world.Kill(worker);
    REQUIRE(++deaths < 100);
    world.Advance(seconds(1));
  }
  CHECK(world.queue.FindRun(world.run)->result == RunResult::kFailed);
  CHECK(world.Counts(world.run).failed == CrashLoopDetector::kMaxCulprits);
}

TEST_CASE("a worker lost while its run is being cancelled does not keep the run from ending") {
  Items world({"a"});
  const IncarnationId worker = world.Join(kWork, 1, 0);
  world.ClaimAll(worker);
  world.queue.StopRun(world.run, RunResult::kStopped, "cancelled", world.now);
  world.Settle();
  CHECK_FALSE(world.Ended(world.run));
  world.Kill(worker);
  CHECK(world.Ended(world.run));
}

TEST_CASE("a job lost twice before it was begun goes alone at once, before the verdicts fall") {
  Items world({"a"});
  for (int i = 0; i < 2; ++i) {
    const IncarnationId lost = world.Join(kWork, 1, i);
    REQUIRE(world.Held(lost).size() == 1);
    world.LoseLink(lost);  // unclaimed; the verdict comes later
  }
  const IncarnationId worker = world.Join(kWork, 2, 2);
  world.AddRun();
  world.FinishScan(world.scanner, {"innocent"});
  REQUIRE(world.Held(worker).size() == 1);
  CHECK(world.JobOf("a")->marks.alone);
  world.Advance(kLossGrace);  // both were deaths
  CHECK(world.JobOf("a")->marks.alone);
  CHECK(world.JobOf("a")->marks.attempts == 0);
}

TEST_CASE("a job that killed by itself stays alone, though the first batch's worker lives") {
  Items world({"a", "b"});
  const IncarnationId batch = world.Join(kWork, 2, 0, "batch");
  world.ClaimAll(batch);
  world.LoseLink(batch);
  const IncarnationId second = world.Join(kWork, 1, 1);
  const JobId job = world.ClaimAll(second).at(0).job;
  world.Kill(second);
  REQUIRE(world.queue.FindJob(job)->marks.attempts == 1);
  world.Join(kWork, 2, 0, "batch");
  CHECK(world.queue.FindJob(job)->marks.alone);
}
