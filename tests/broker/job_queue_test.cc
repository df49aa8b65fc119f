// Runs, items and credit: what happens when nothing goes wrong.
#include "broker/job_queue.h"

#include <doctest/doctest.h>

#include <map>
#include <string>

#include "common/payload/meta.h"
#include "common/wire/codec.h"
#include "common/wire/token.h"
#include "tests/broker/queue_world.h"

using namespace millrace;
using namespace millrace::testing;

TEST_CASE("an item passes every stage and ends once") {
  QueueWorld world;
  const RunId run = world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork);
  const IncarnationId saver = world.Join(kSave);
  world.FinishScan(scanner, {"a.jpg"});
  CHECK_FALSE(world.Ended(run));
  world.FinishItem(worker, world.ClaimAll(worker).at(0), 100);
  REQUIRE(world.Held(saver).size() == 1);
  CHECK(PayloadBytes(world.queue.FindJob(world.Held(saver)[0].job)->payload) == 100);
  CHECK_FALSE(world.Ended(run));
  world.FinishItem(saver, world.ClaimAll(saver).at(0));
  CHECK(world.Ended(run));
  REQUIRE(world.ended.size() == 1);
  CHECK(world.ended[0].key == "a.jpg");
  CHECK(world.ended[0].outcome == ItemOutcome::kOk);
  CHECK(world.Counts(run).ok == 1);
}

TEST_CASE("a run with nothing in it ends with its scan") {
  QueueWorld world;
  const RunId run = world.AddRun();
  world.FinishScan(world.Join(kScan), {});
  CHECK(world.Ended(run));
  CHECK(world.queue.FindRun(run)->scan_complete);
}

TEST_CASE("a run does not end before its scan does") {
  QueueWorld world;
  const RunId run = world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork);
  world.FinishScan(scanner, {"a"}, /*more=*/true);
  world.Fail(worker, world.ClaimAll(worker).at(0), /*retryable=*/false);
  CHECK(world.Counts(run).ended() == world.Counts(run).scanned);
  CHECK_FALSE(world.Ended(run));
  world.FinishScan(scanner, {});
  CHECK(world.Ended(run));
}

TEST_CASE("a chunk goes on from the cursor of the one before") {
  QueueWorld world;
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  CHECK(world.queue.FindJob(world.Held(scanner).at(0).job)->cursor.empty());
  world.FinishScan(scanner, {"a", "b"}, /*more=*/true);
  CHECK(world.queue.FindJob(world.Held(scanner).at(0).job)->cursor == "b");
}

TEST_CASE("a key that the scan names twice is one item") {
  QueueWorld world;
  const RunId run = world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  world.FinishScan(scanner, {"a", "a"}, /*more=*/true);
  world.FinishScan(scanner, {"a", "b"});
  CHECK(world.Counts(run).scanned == 2);
  CHECK(world.Counts(run).repeated == 2);
}

TEST_CASE("items that the scan itself fails or skips end there") {
  QueueWorld world;
  const RunId run = world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  wire::ScanResult scan;
  scan.found.push_back({"empty.jpg", wire::FoundItem::Fail{"empty", "is empty"}});
  scan.found.push_back({"notes.txt", wire::FoundItem::Skip{"not-an-image"}});
  std::vector<wire::DoneResult> results;
  results.push_back({world.Held(scanner).at(0), std::move(scan)});
  world.queue.Finished(scanner, std::move(results), world.now);
  world.Settle();
  CHECK(world.Ended(run));
  CHECK(world.Counts(run).failed_by.at("empty") == 1);
  CHECK(world.Counts(run).skipped == 1);
  CHECK(world.ended.empty());  // recorded with the scan, and not by themselves
}

TEST_CASE("a scan that cannot go on fails the run, after what it found is done") {
  QueueWorld world;
  const RunId run = world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork);
  world.FinishScan(scanner, {"a"}, /*more=*/true);
  world.Fail(scanner, world.ClaimAll(scanner).at(0), /*retryable=*/false, "unreadable");
  CHECK_FALSE(world.Ended(run));
  world.Skip(worker, world.ClaimAll(worker).at(0));
  CHECK(world.Ended(run));
  CHECK(world.queue.FindRun(run)->result == RunResult::kFailed);
  CHECK_FALSE(world.queue.FindRun(run)->scan_complete);
  CHECK(world.Counts(run).scanned == 1);
}

TEST_CASE("a worker never holds more than its credit") {
  QueueWorld world;
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork, /*slots=*/3);
  world.FinishScan(scanner, {"a", "b", "c", "d", "e"});
  CHECK(world.Held(worker).size() == 3);
  world.Claim(worker, {world.Held(worker)[0]});
  CHECK(world.Held(worker).size() == 3);
  world.Skip(worker, world.Held(worker)[0]);
  CHECK(world.Held(worker).size() == 3);
}

TEST_CASE("jobs are spread over the workers that hold the fewest") {
  QueueWorld world;
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId one = world.Join(kWork, 4, 0);
  const IncarnationId two = world.Join(kWork, 4, 1);
  world.FinishScan(scanner, {"a", "b", "c", "d"});
  CHECK(world.Held(one).size() == 2);
  CHECK(world.Held(two).size() == 2);
}

TEST_CASE("a draining worker is sent nothing more, and what it returns goes elsewhere") {
  QueueWorld world;
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId leaving = world.Join(kWork, 2, 0);
  world.FinishScan(scanner, {"a", "b", "c"});
  world.queue.SetCredit(leaving, 0, world.now);
  const IncarnationId other = world.Join(kWork, 4, 1);
  const std::vector<wire::Lease> held = world.Held(leaving);
  for (const wire::Lease& lease : held) world.Return(leaving, lease);
  CHECK(world.Held(leaving).empty());
  CHECK(world.Held(other).size() == 3);
  world.LoseLink(leaving);
  world.Advance(kLossGrace);
  CHECK(world.notices.empty());  // it was not a death
}

TEST_CASE("a failure that may pass is tried again after a growing pause, then it is final") {
  QueueWorld world;
  const RunId run = world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork);
  world.FinishScan(scanner, {"a"});
  world.Fail(worker, world.ClaimAll(worker).at(0), /*retryable=*/true, "write-failed");
  CHECK(world.Held(worker).empty());
  world.Advance(std::chrono::milliseconds(199));
  CHECK(world.Held(worker).empty());
  world.Advance(std::chrono::milliseconds(1));
  world.Fail(worker, world.ClaimAll(worker).at(0), true, "write-failed");
  world.Advance(std::chrono::milliseconds(399));
  CHECK(world.Held(worker).empty());
  world.Advance(std::chrono::milliseconds(1));
  world.Fail(worker, world.ClaimAll(worker).at(0), true, "write-failed");
  REQUIRE(world.Ended(run));
  CHECK(world.EndOf("a")->attempts == 3);
  CHECK(world.EndOf("a")->code == "write-failed");
}

TEST_CASE("a result over max_payload fails its item and nothing else") {
  std::vector<StageSettings> stages = {Named("scan"), Named("work"), Named("save")};
  stages[kWork].max_payload = 1000;
  QueueWorld world(stages);
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork);
  world.FinishScan(scanner, {"big", "small"});
  const std::vector<wire::Lease> leases = world.ClaimAll(worker);
  world.FinishItem(worker, leases[0], 1001);
  world.FinishItem(worker, leases[1], 1000);
  CHECK(world.EndOf("big")->code == "too-large");
  CHECK(world.EndOf("small") == nullptr);
}

TEST_CASE("a cancelled run sends nothing more and ends when what was begun is in") {
  QueueWorld world;
  const RunId run = world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork, 2);
  world.FinishScan(scanner, {"begun", "sent", "waiting"}, /*more=*/true);
  const std::vector<wire::Lease> leases = world.Held(worker);
  world.Claim(worker, {leases[0]});
  world.Claim(scanner, {world.Held(scanner).at(0)});
  world.queue.StopRun(run, RunResult::kStopped, "cancelled", world.now);
  world.Settle();
  CHECK(world.revoked[worker] == std::vector<wire::Lease>{leases[1]});
  CHECK(world.revoked[scanner] == world.Held(scanner));
  world.Return(worker, leases[1]);
  CHECK_FALSE(world.Ended(run));
  world.FinishItem(worker, leases[0]);
  CHECK_FALSE(world.Ended(run));  // the scan is still out
  world.FinishScan(scanner, {"late"}, /*more=*/true);
  CHECK(world.Ended(run));
  CHECK(world.Counts(run).scanned == 4);
  CHECK(world.Counts(run).ended() == 0);
  CHECK(world.queue.Totals(kWork, world.now).jobs == 0);
  CHECK(world.queue.Totals(kSave, world.now).jobs == 0);
}

TEST_CASE("a chunk of a scan that is given up ends the run with what had been found before") {
  QueueWorld world;
  const RunId run = world.AddRun();
  const RunId other = world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork, 2);
  world.FinishScan(scanner, {"found"}, /*more=*/true);
  world.FinishItem(worker, world.ClaimAll(worker).at(0));
  const std::vector<wire::Lease> claimed = world.ClaimAll(scanner);
  REQUIRE(claimed.size() == 2);  // a chunk of each run
  world.queue.StopRun(run, RunResult::kStopped, "cancelled", world.now);
  world.Settle();
  REQUIRE(world.revoked[scanner].size() == 1);
  const wire::Lease chunk = world.revoked[scanner].front();
  CHECK(world.queue.FindJob(chunk.job)->run == run);
  CHECK(world.revoked[worker].empty());
  CHECK_FALSE(world.Ended(run));
  world.Return(scanner, chunk);
  CHECK_FALSE(world.queue.FindRun(run)->scan_complete);
  CHECK(world.Counts(run).scanned == 1);
  CHECK_FALSE(world.Ended(other));
}

TEST_CASE("a run gives up when its failures reach the limit, and says which were commonest") {
  QueueWorld world;
  const RunId run = world.AddRun({.failures = 2});
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork, 1);
  world.FinishScan(scanner, {"a", "b", "c"});
  world.Fail(worker, world.ClaimAll(worker).at(0), false, "corrupt");
  world.Fail(worker, world.ClaimAll(worker).at(0), false, "corrupt");
  CHECK(world.queue.FindRun(run)->result == RunResult::kFailed);
  CHECK(world.queue.FindRun(run)->reason.find("2 corrupt") != std::string::npos);
}

TEST_CASE("the stage's counters return to nothing when its jobs are done") {
  QueueWorld world;
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork, 10);
  world.FinishScan(scanner, {"a", "b", "c"});
  const std::vector<wire::Lease> leases = world.ClaimAll(worker);
  CHECK(world.queue.Totals(kWork, world.now).in_flight == 3);
  for (const wire::Lease& lease : leases) world.Skip(worker, lease);
  const JobQueue::StageTotals totals = world.queue.Totals(kWork, world.now);
  CHECK(totals.jobs == 0);
  CHECK(totals.in_flight == 0);
  CHECK(totals.bytes == 0);
}

TEST_CASE("busy time is what workers spend on claimed jobs") {
  QueueWorld world;
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork);
  world.FinishScan(scanner, {"a"});
  world.Advance(std::chrono::milliseconds(500));
  const wire::Lease lease = world.ClaimAll(worker).at(0);
  world.Advance(std::chrono::milliseconds(300));
  world.FinishItem(worker, lease);
  world.Advance(std::chrono::milliseconds(200));
  const JobQueue::StageTotals totals = world.queue.Totals(kWork, world.now);
  CHECK(totals.busy == std::chrono::milliseconds(300));
  CHECK(totals.present == std::chrono::milliseconds(1000));
}

TEST_CASE("a run that gives up over its scan's own failures ends after the whole chunk, once") {
  QueueWorld world;
  const RunId run = world.AddRun({.failures = 1});
  const IncarnationId scanner = world.Join(kScan);
  wire::ScanResult scan;
  for (const char* key : {"a", "b", "c"}) {
    scan.found.push_back({key, wire::FoundItem::Fail{"unreadable", "permission denied"}});
  }
  scan.found.push_back({"d", wire::FoundItem::Next{}});
  std::vector<wire::DoneResult> results;
  results.push_back({world.Held(scanner).at(0), std::move(scan)});
  world.queue.Finished(scanner, std::move(results), world.now);
  world.Settle();
  CHECK(world.runs_ended == std::vector<RunId>{run});
  CHECK(world.Counts(run).scanned == 4);
  CHECK(world.Counts(run).failed == 3);
}

TEST_CASE("jobs travel in messages of a size that a worker can read") {
  QueueWorld world;
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  wire::ScanResult scan;
  for (int i = 0; i < 1000; ++i) {
    scan.found.push_back({std::to_string(i), wire::FoundItem::Next{std::string(16 << 10, 'm')}});
  }
  std::vector<wire::DoneResult> results;
  results.push_back({world.Held(scanner).at(0), std::move(scan)});
  world.queue.Finished(scanner, std::move(results), world.now);
  world.Settle();
  const IncarnationId worker(77);
  world.queue.Join(worker, kWork, 0, "boot", world.now);
  world.queue.SetCredit(worker, 10'000, world.now);
  world.queue.Dispatch(world.now);
  std::size_t jobs = 0;
  for (const Action& action : world.queue.TakeActions()) {
    const auto* send = std::get_if<SendJobs>(&action);
    if (send == nullptr) continue;
    std::size_t head = 0;
    for (const wire::JobSpec& job : send->jobs) head += job.meta.size() + 64;
    CHECK(head <= wire::kMaxHeadBytes);
    jobs += send->jobs.size();
  }
  CHECK(jobs == 1000);
}

TEST_CASE("what a scan found too large to be sent on fails by itself, and a cursor its scan") {
  QueueWorld world;
  const RunId run = world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const auto finish = [&](wire::ScanResult scan) {
    std::vector<wire::DoneResult> results;
    results.push_back({world.Held(scanner).back(), std::move(scan)});
    world.queue.Finished(scanner, std::move(results), world.now);
    world.Settle();
  };
  finish({{{"large", wire::FoundItem::Next{std::string(kMaxMetaBytes + 1, 'm')}},
           {"fine", wire::FoundItem::Next{std::string(kMaxMetaBytes, 'm')}}},
          "next"});
  CHECK(world.Counts(run).failed_by.at("protocol") == 1);
  CHECK(world.Counts(run).scanned == 2);
  CHECK(world.queue.Totals(kWork, world.now).jobs == 1);
  finish({{}, std::string(std::size_t{2} << 20, 'c')});
  CHECK(world.queue.FindRun(run)->result == RunResult::kFailed);
  CHECK(world.queue.FindRun(run)->scan_ended);
}

TEST_CASE("the scan waits for its chunk to be on disk, and so do the chunk's items") {
  QueueWorld world;
  world.hold_scans = true;
  const RunId run = world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork);
  world.FinishScan(scanner, {"a"}, /*more=*/true);
  CHECK(world.Held(scanner).empty());
  CHECK(world.Held(worker).empty());
  CHECK(world.Counts(run).scanned == 0);
  world.Record();
  CHECK(world.Held(scanner).size() == 1);
  CHECK(world.Held(worker).size() == 1);
  CHECK(world.Counts(run).scanned == 1);
}

TEST_CASE("a run that is stopped while a chunk is on its way to disk counts it and ends after it") {
  QueueWorld world;
  world.hold_scans = true;
  const RunId run = world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork);
  world.FinishScan(scanner, {"a", "b"}, /*more=*/true);
  world.queue.StopRun(run, RunResult::kStopped, "enough", world.now);
  world.Settle();
  CHECK_FALSE(world.Ended(run));
  world.Record();
  CHECK(world.Ended(run));
  CHECK(world.Counts(run).scanned == 2);
  CHECK(world.Held(worker).empty());
}

TEST_CASE("a run goes on with its open items, its cursor and its counts") {
  QueueWorld world;
  RunStart start;
  start.counts.scanned = 10;
  start.counts.ok = 8;
  start.open = {{"i", "meta", {}}, {"j", "", {}}};
  start.cursor = "j";
  const RunId run = world.AddRun({}, start);
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork);
  CHECK(world.queue.FindJob(world.Held(scanner).at(0).job)->cursor == "j");
  world.FinishScan(scanner, {});
  for (const wire::Lease& lease : world.ClaimAll(worker)) world.Skip(worker, lease);
  CHECK(world.Ended(run));
  CHECK(world.Counts(run).ended() == 10);
}

TEST_CASE("what an item has been through at a later stage counts when it gets there again") {
  QueueWorld world;
  RunStart start;
  start.counts.scanned = 1;
  start.open = {{"a", "", {.stage = kSave, .attempts = 2, .alone = true}}};
  start.scan_ended = true;
  const RunId run = world.AddRun({}, start);
  const IncarnationId worker = world.Join(kWork);
  const IncarnationId saver = world.Join(kSave);
  CHECK(world.JobOf("a")->marks.attempts == 0);
  CHECK_FALSE(world.JobOf("a")->marks.alone);
  world.FinishItem(worker, world.ClaimAll(worker).at(0));
  CHECK(world.JobOf("a")->marks.attempts == 2);
  CHECK(world.JobOf("a")->marks.alone);
  world.Fail(saver, world.ClaimAll(saver).at(0), /*retryable=*/true);
  CHECK(world.Ended(run));
  CHECK(world.EndOf("a")->attempts == 3);
}

TEST_CASE("every charge, death and loss of an item is told, to outlive the broker") {
  QueueWorld world;
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork);
  world.FinishScan(scanner, {"a"});
  world.Fail(worker, world.ClaimAll(worker).at(0), /*retryable=*/true);
  CHECK(world.marks["a"].attempts == 1);
  CHECK(world.marks["a"].stage == kWork);
  world.Advance(std::chrono::milliseconds(200));
  world.Kill(worker);  // before its claim
  CHECK(world.marks["a"].unclaimed_deaths == 1);
  world.Kill(world.Join(kWork));
  CHECK(world.marks["a"].alone);
}

TEST_CASE("what stages say of an item on its way is told once, with its outcome") {
  QueueWorld world;
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork);
  const IncarnationId saver = world.Join(kSave);
  world.FinishScan(scanner, {"a"});
  const auto finish = [&](IncarnationId who, wire::ItemResult item) {
    std::vector<wire::DoneResult> results;
    results.push_back({world.ClaimAll(who).at(0), std::move(item)});
    world.Held(who).clear();
    world.queue.Finished(who, std::move(results), world.now);
    world.Settle();
  };
  finish(worker, {.warnings = {"truncated"}});
  CHECK(world.ended.empty());
  finish(saver, {.record = {"areas", "{}"}, .outputs = {{"a.png", 3, 4}}});
  REQUIRE(world.ended.size() == 1);
  CHECK(world.ended[0].warnings == std::vector<std::string>{"truncated"});
  CHECK(world.ended[0].records.at(0).name == "areas");
  CHECK(world.ended[0].outputs.at(0).path == "a.png");
}

TEST_CASE("what a stage says of an item that failed is told with its last attempt") {
  QueueWorld world;
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork, 2);
  world.FinishScan(scanner, {"a", "b"});
  const std::vector<wire::Lease> leases = world.ClaimAll(worker);
  const std::vector<wire::FailResult> results = {
      {leases.at(0), "corrupt", "bad", false, {"verdicts", "{}"}},
      {leases.at(1), "write-failed", "full", true, {"verdicts", "{}"}}};
  world.Held(worker).clear();
  world.queue.Failed(worker, results, world.now);
  world.Settle();
  REQUIRE(world.ended.size() == 1);
  CHECK(world.ended[0].records.at(0).line == "{}");
}

TEST_CASE("a code, a reason or a warning that is no short word fails its item, and only it") {
  QueueWorld world;
  const RunId run = world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork, 8);
  world.FinishScan(scanner, {"fails", "skips", "warns", "warns-much", "fine"});
  const std::vector<wire::Lease> leases = world.ClaimAll(worker);
  world.Held(worker).clear();
  const std::string exception = "[Errno 2] No such file: '/in/a.jpg'" + std::string(10'000, '!');
  const std::vector<wire::FailResult> failed = {
      {leases.at(0), exception, std::string(wire::kMaxTextBytes, 't'), false}};
  const std::vector<wire::SkipResult> skipped = {{leases.at(1), exception}};
  world.queue.Failed(worker, failed, world.now);
  world.queue.Skipped(worker, skipped, world.now);
  std::vector<wire::DoneResult> done;
  done.push_back({leases.at(2), wire::ItemResult{.warnings = {"truncated", exception}}});
  done.push_back({leases.at(3), wire::ItemResult{.warnings = std::vector<std::string>(65, "w")}});
  done.push_back({leases.at(4), wire::ItemResult{.warnings = {std::string(64, 'w')}}});
  world.queue.Finished(worker, std::move(done), world.now);
  world.Settle();
  CHECK(world.accepted.size() == 2 * leases.size() + 1);
  for (const std::string key : {"fails", "skips", "warns", "warns-much"}) {
    CAPTURE(key);
    REQUIRE(world.EndOf(key) != nullptr);
    CHECK(world.EndOf(key)->outcome == ItemOutcome::kFailed);
    CHECK(world.EndOf(key)->code == "protocol");
    CHECK(world.EndOf(key)->text.size() <= wire::kMaxTextBytes);
    CHECK((key == "warns-much" || world.EndOf(key)->text.find("[Errno 2]") != std::string::npos));
  }
  CHECK(world.EndOf("fine") == nullptr);
  CHECK(world.Counts(run).failed_by == std::map<std::string, std::int64_t>{{"protocol", 4}});
}

TEST_CASE("a failure that may pass is tried again, whatever its code") {
  QueueWorld world;
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork, 1);
  world.FinishScan(scanner, {"a"});
  for (int attempt = 1; attempt <= 3; ++attempt) {
    CHECK(world.ended.empty());
    world.Fail(worker, world.ClaimAll(worker).at(0), /*retryable=*/true, "No space left");
    world.Advance(std::chrono::seconds(1));
  }
  REQUIRE(world.ended.size() == 1);
  CHECK(world.ended[0].code == "protocol");
  CHECK(world.ended[0].text.find("'No space left'") != std::string::npos);
}

TEST_CASE("what a scan says of an item is held to the same words") {
  QueueWorld world;
  world.hold_scans = true;
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  std::vector<wire::DoneResult> results;
  results.push_back(
      {world.Held(scanner).back(), wire::ScanResult{{{"fails", wire::FoundItem::Fail{"Bad", "x"}},
                                                     {"skips", wire::FoundItem::Skip{""}},
                                                     {"fine", wire::FoundItem::Skip{"excluded"}}},
                                                    std::nullopt}});
  world.queue.Finished(scanner, std::move(results), world.now);
  world.Settle();
  REQUIRE(world.held_scans.size() == 1);
  const std::vector<wire::FoundItem>& found = world.held_scans[0].found;
  REQUIRE(found.size() == 3);
  CHECK(std::get<wire::FoundItem::Fail>(found[0].what).code == "protocol");
  CHECK(std::get<wire::FoundItem::Fail>(found[0].what).text ==
        "its code 'Bad' is not [a-z0-9-]{1,64}: x");
  CHECK(std::get<wire::FoundItem::Fail>(found[1].what).code == "protocol");
  CHECK(std::get<wire::FoundItem::Skip>(found[2].what).reason == "excluded");
}

TEST_CASE("an output that is not below OUTPUT fails its item, and its message's others count") {
  QueueWorld world;
  const RunId run = world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork, 8);
  const std::vector<std::string> paths = {
      "../x", "/x", "a/../../x", std::string("x\0", 2), ".millrace/state.db", "x//y", "a/.."};
  std::vector<std::string> keys(paths.size());
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = "bad-" + std::to_string(i);
  keys.push_back("good");
  world.FinishScan(scanner, keys);
  const std::vector<wire::Lease> leases = world.ClaimAll(worker);
  world.Held(worker).clear();
  std::vector<wire::DoneResult> results;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    results.push_back({leases.at(i), wire::ItemResult{.outputs = {{"good.png"}, {paths[i]}}}});
  }
  results.push_back({leases.back(), wire::ItemResult{.outputs = {{"a/good.png"}}}});
  world.queue.Finished(worker, std::move(results), world.now);
  world.Settle();
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const ItemEnded* ended = world.EndOf(keys[i]);
    REQUIRE(ended != nullptr);
    CHECK(ended->code == "protocol");
    CHECK(ended->outputs.empty());
  }
  CHECK(world.EndOf("good") == nullptr);
  CHECK(world.Counts(run).failed_by.at("protocol") == static_cast<std::int64_t>(paths.size()));
}

TEST_CASE("what a scan found under no path below INPUT is not given to anybody") {
  QueueWorld world;
  world.hold_scans = true;
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  std::vector<wire::DoneResult> results;
  results.push_back({world.Held(scanner).back(),
                     wire::ScanResult{{{"../a", wire::FoundItem::Next{}},
                                       {"a/b", wire::FoundItem::Next{}},
                                       {"../listed", wire::FoundItem::Skip{"outside-input"}}},
                                      std::nullopt}});
  world.queue.Finished(scanner, std::move(results), world.now);
  world.Settle();
  REQUIRE(world.held_scans.size() == 1);
  const std::vector<wire::FoundItem>& found = world.held_scans[0].found;
  CHECK(std::get<wire::FoundItem::Fail>(found.at(0).what).code == "protocol");
  CHECK(std::holds_alternative<wire::FoundItem::Next>(found.at(1).what));
  CHECK(std::holds_alternative<wire::FoundItem::Skip>(found.at(2).what));
}

TEST_CASE("a record that is several lines fails its item: each would count as a file's own") {
  QueueWorld world;
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork, 8);
  world.FinishScan(scanner, {"a"});
  const std::vector<wire::Lease> leases = world.ClaimAll(worker);
  world.Held(worker).clear();
  std::vector<wire::DoneResult> results;
  results.push_back({leases.at(0), wire::ItemResult{.record = {"verdicts", "{}\n{}"}}});
  world.queue.Finished(worker, std::move(results), world.now);
  world.Settle();
  REQUIRE(world.EndOf("a") != nullptr);
  CHECK(world.EndOf("a")->code == "protocol");
}

TEST_CASE("a record that would overwrite millrace's own files fails its item") {
  QueueWorld world;
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork, 8);
  const std::vector<std::string> names = {"failed", "deleted", "report", "../x", "failed-too"};
  world.FinishScan(scanner, {"0", "1", "2", "3", "fine"});
  const std::vector<wire::Lease> leases = world.ClaimAll(worker);
  world.Held(worker).clear();
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::vector<wire::DoneResult> results;
    results.push_back({leases.at(i), wire::ItemResult{.record = {names[i], "{}"}}});
    world.queue.Finished(worker, std::move(results), world.now);
  }
  world.Settle();
  CHECK(world.ended.size() == 4);
  for (const ItemEnded& ended : world.ended) {
    CHECK(ended.code == "protocol");
    CHECK(ended.records.empty());
  }
  CHECK(world.EndOf("fine") == nullptr);
}

TEST_CASE("a paused run sends nothing more, and may be stopped for good meanwhile") {
  QueueWorld world;
  const RunId run = world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork, 1);
  world.FinishScan(scanner, {"begun", "waiting"});
  world.ClaimAll(worker);
  world.queue.PauseRun(run, world.now);
  world.Settle();
  world.queue.StopRun(run, RunResult::kStopped, "cancelled", world.now);
  world.FinishItem(worker, world.Held(worker).at(0));
  CHECK(world.Held(worker).empty());
  CHECK(world.Ended(run));
  CHECK(world.queue.FindRun(run)->result == RunResult::kStopped);
}

TEST_CASE(
    "a run that is stopped at the moment at which its pause has ended it is stopped for good") {
  QueueWorld world;
  const RunId run = world.AddRun();
  world.queue.PauseRun(run, world.now);  // with nothing in flight
  world.queue.StopRun(run, RunResult::kStopped, "cancelled", world.now);
  world.Settle();
  REQUIRE(world.Ended(run));
  CHECK(world.queue.FindRun(run)->result == RunResult::kStopped);
  CHECK(world.queue.FindRun(run)->reason == "cancelled");
}

// Items that end one after another at the stage behind the scan: 'o' ok, 's' skipped, 'f' failed as
// corrupt, 'e' empty, 't' truncated, 'u' unreadable. Until the run gives up.
void EndOneByOne(QueueWorld& world, RunId run, const std::string& ends) {
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork, 1);
  const IncarnationId saver = world.Join(kSave, 1);
  const std::map<char, std::string> codes = {
      {'f', "corrupt"}, {'e', "empty"}, {'t', "truncated"}, {'u', "unreadable"}};
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < ends.size(); ++i) keys.push_back(std::to_string(1000 + i));
  world.FinishScan(scanner, keys);
  for (const char end : ends) {
    if (world.queue.FindRun(run)->phase != RunPhase::kActive) return;
    const wire::Lease lease = world.ClaimAll(worker).at(0);
    if (end == 's') {
      world.Skip(worker, lease);
    } else if (end == 'o') {
      world.FinishItem(worker, lease);
      world.FinishItem(saver, world.ClaimAll(saver).at(0));
    } else {
      world.Fail(worker, lease, false, codes.at(end));
    }
  }
}

std::string Many(int count, char end) { return std::string(static_cast<std::size_t>(count), end); }

TEST_CASE("a run gives up at its number of failures, and not one before") {
  QueueWorld world;
  const RunId run = world.AddRun({.failures = 3});
  EndOneByOne(world, run, "ofofofoo");
  CHECK(world.Ended(run));
  CHECK(world.Counts(run).failed == 3);
  CHECK(world.queue.FindRun(run)->result == RunResult::kFailed);
  CHECK(world.queue.FindRun(run)->reason ==
        "gave up after 3 of 6 processed items had failed (3 corrupt)");

  QueueWorld enough;
  const RunId done = enough.AddRun({.failures = 3});
  EndOneByOne(enough, done, "ofofooss");
  CHECK(enough.Ended(done));
  CHECK(enough.queue.FindRun(done)->result == RunResult::kDone);
}

TEST_CASE("a share of failures is looked at from a hundred processed items on") {
  QueueWorld world;
  const RunId run = world.AddRun({.share = 0.5});
  EndOneByOne(world, run, Many(99, 'f') + "oooooo");
  CHECK(world.Counts(run).ok == 1);
  CHECK(world.queue.FindRun(run)->reason ==
        "gave up after 99 of 100 processed items had failed (99 corrupt)");

  QueueWorld below;
  const RunId done = below.AddRun({.share = 0.5});
  EndOneByOne(below, done, Many(51, 'o') + Many(50, 'f') + "o");
  CHECK(below.queue.FindRun(done)->result == RunResult::kDone);
}

TEST_CASE("what is skipped is in no share of failures, and not among the hundred") {
  QueueWorld few;
  const RunId done = few.AddRun({.share = 0.05});
  EndOneByOne(few, done, Many(100, 's') + Many(99, 'f'));
  CHECK(few.queue.FindRun(done)->result == RunResult::kDone);

  QueueWorld world;
  const RunId run = world.AddRun({.share = 0.05});
  EndOneByOne(world, run, Many(500, 's') + Many(95, 'o') + Many(5, 'f') + "o");
  CHECK(world.queue.FindRun(run)->reason ==
        "gave up after 5 of 100 processed items had failed (5 corrupt)");
}

TEST_CASE("a run that gives up names the three commonest of its reasons") {
  QueueWorld world;
  const RunId run = world.AddRun({.failures = 10});
  EndOneByOne(world, run, "etffuutfff");
  CHECK(world.queue.FindRun(run)->reason ==
        "gave up after 10 of 10 processed items had failed (5 corrupt, 2 unreadable, "
        "2 truncated)");
}

TEST_CASE("failures that were taken over do not count against a run, nor among its reasons") {
  QueueWorld world;
  RunStart start;
  start.counts = {.scanned = 8,
                  .ok = 2,
                  .failed = 6,
                  .resumed = 8,
                  .resumed_failed = 6,
                  .failed_by = {{"empty", 5}, {"corrupt", 1}},
                  .resumed_failed_by = {{"empty", 5}, {"corrupt", 1}}};
  const RunId run = world.AddRun({.failures = 2}, start);
  EndOneByOne(world, run, "fof");
  CHECK(world.queue.FindRun(run)->result == RunResult::kFailed);
  CHECK(world.queue.FindRun(run)->reason ==
        "gave up after 2 of 3 processed items had failed (2 corrupt)");
}

TEST_CASE("what was taken over is in no share of failures, and not among the hundred") {
  QueueWorld world;
  RunStart start;
  start.counts = {.scanned = 900, .ok = 900, .resumed = 900};
  const RunId run = world.AddRun({.share = 0.05}, start);
  EndOneByOne(world, run, Many(5, 'f') + Many(95, 'o') + "o");
  CHECK(world.queue.FindRun(run)->reason ==
        "gave up after 5 of 100 processed items had failed (5 corrupt)");
}

TEST_CASE("a run whose own reasons are not known any more gives up without them") {
  QueueWorld world;
  RunStart start;
  start.counts = {.scanned = 99,
                  .ok = 50,
                  .failed = 49,
                  .resumed_failed = 0,
                  .failed_by = {{"empty", 49}},
                  .resumed_failed_by = {{"empty", 49}}};
  const RunId run = world.AddRun({.share = 0.05}, start);
  EndOneByOne(world, run, "o");
  CHECK(world.queue.FindRun(run)->reason == "gave up after 49 of 100 processed items had failed");
}
