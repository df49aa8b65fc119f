// Back-pressure in bytes, and runs that share the stages.
#include <doctest/doctest.h>
#include <malloc.h>

#include "tests/broker/queue_world.h"

using namespace millrace;
using namespace millrace::testing;

namespace {

std::vector<StageSettings> WithBudgets(std::size_t work, std::size_t save) {
  std::vector<StageSettings> stages = {Named("scan"), Named("work"), Named("save")};
  stages[kWork].budget = work;
  stages[kSave].budget = save;
  return stages;
}

std::vector<std::string> Keys(const std::string& prefix, int count) {
  std::vector<std::string> keys;
  for (int i = 0; i < count; ++i) keys.push_back(prefix + std::to_string(i));
  return keys;
}

constexpr std::size_t kPlenty = std::size_t{1} << 40;

}  // namespace

TEST_CASE("the scan waits while the stage after it is over its budget") {
  QueueWorld world(WithBudgets(10 * kJobOverheadBytes, kPlenty));
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  world.FinishScan(scanner, Keys("a", 20), /*more=*/true);
  CHECK(world.Held(scanner).empty());
  const IncarnationId worker = world.Join(kWork, 1);
  while (world.Held(scanner).empty()) {
    REQUIRE(world.queue.Totals(kWork, world.now).jobs > 0);
    world.Skip(worker, world.ClaimAll(worker).at(0));
  }
  CHECK(world.queue.Totals(kWork, world.now).bytes < 10 * kJobOverheadBytes);
}

TEST_CASE("bytes stay under the budget and a payload for each job in flight before it") {
  constexpr std::size_t kPayload = 10'000;
  constexpr std::size_t kBudget = 50'000;
  QueueWorld world(WithBudgets(kPlenty, kBudget));
  world.AddRun();
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId one = world.Join(kWork, 2, 0);
  const IncarnationId two = world.Join(kWork, 2, 1);
  world.FinishScan(scanner, Keys("a", 100));
  std::size_t most = 0;
  for (bool moved = true; moved;) {
    moved = false;
    for (const IncarnationId worker : {one, two}) {
      if (world.Held(worker).empty()) continue;
      world.Claim(worker, {world.Held(worker)[0]});
      world.FinishItem(worker, world.Held(worker)[0], kPayload);
      moved = true;
    }
    most = std::max(most, world.queue.Totals(kSave, world.now).bytes);
  }
  CHECK(world.queue.Totals(kWork, world.now).in_flight == 0);
  CHECK(most >= kBudget);
  CHECK(most <= kBudget + (1 + 4) * (kPayload + kJobOverheadBytes + 16));
}

TEST_CASE("the jobs of a small run are not behind those of a large one") {
  QueueWorld world;
  const IncarnationId scanner = world.Join(kScan);
  const RunId large = world.AddRun();
  world.FinishScan(scanner, Keys("large", 1000));
  const RunId small = world.AddRun();
  world.FinishScan(scanner, Keys("small", 50));
  const IncarnationId worker = world.Join(kWork, 2);
  while (!world.Ended(small)) {
    world.Claim(worker, {world.Held(worker).at(0)});
    world.Skip(worker, world.Held(worker).at(0));
  }
  CHECK(world.Counts(large).ended() < 60);
}

TEST_CASE("a run that arrives late neither owes nor has saved up service") {
  QueueWorld world;
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork, 1);
  const RunId first = world.AddRun();
  world.FinishScan(scanner, Keys("first", 300));
  for (int i = 0; i < 100; ++i) world.Skip(worker, world.ClaimAll(worker).at(0));
  const RunId second = world.AddRun();
  world.FinishScan(scanner, Keys("second", 300));
  for (int i = 0; i < 100; ++i) world.Skip(worker, world.ClaimAll(worker).at(0));
  CHECK(world.Counts(first).ended() >= 149);
  CHECK(world.Counts(second).ended() >= 49);
}

TEST_CASE("a run is served while another one's jobs spend the whole budget after it") {
  QueueWorld world(WithBudgets(kPlenty, 5'000));
  const IncarnationId scanner = world.Join(kScan);
  const IncarnationId worker = world.Join(kWork, 2);
  world.AddRun();
  world.FinishScan(scanner, Keys("greedy", 10));
  while (!world.Held(worker).empty()) {
    world.Claim(worker, {world.Held(worker)[0]});
    world.FinishItem(worker, world.Held(worker)[0], 4'000);
  }
  CHECK(world.queue.Totals(kSave, world.now).bytes >= 5'000);
  const RunId second = world.AddRun();
  world.FinishScan(scanner, Keys("second", 3));
  REQUIRE(world.Held(worker).size() == 1);
  CHECK(world.queue.FindJob(world.Held(worker)[0].job)->run == second);
}

TEST_CASE("an equal part of the budget is kept for each run") {
  constexpr std::size_t kPayload = 10'000;
  QueueWorld world(WithBudgets(kPlenty, 200'000));
  const IncarnationId scanner = world.Join(kScan);
  const RunId first = world.AddRun();
  world.FinishScan(scanner, Keys("first", 100));
  const RunId second = world.AddRun();
  world.FinishScan(scanner, Keys("second", 100));
  const IncarnationId worker = world.Join(kWork, 1);
  while (!world.Held(worker).empty()) {
    world.FinishItem(worker, world.ClaimAll(worker).at(0), kPayload);
  }
  const auto bytes = [&](RunId run) { return world.queue.FindRun(run)->stages[kSave].bytes; };
  CHECK(bytes(first) >= 90'000);
  CHECK(bytes(second) >= 90'000);
}

// Sanitizers have allocators of their own, which tell nothing here.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("a queued job takes no more memory than it counts for") {
  constexpr std::size_t kItems = 200'000;
  QueueWorld world;
  RunStart start;
  for (std::size_t i = 0; i < kItems; ++i) {
    start.open.push_back(
        {"0123/photo-" + std::to_string(100'000 + i) + ".jpg", std::string(30, 'm'), {}});
  }
  start.scan_ended = true;
  start.counts.scanned = kItems;
  const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  world.AddRun({}, std::move(start));
  const std::size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
  const std::size_t counted = world.queue.Totals(kWork, world.now).bytes;
  CHECK(world.queue.Totals(kWork, world.now).jobs == kItems);
  // The strings were moved: they are in `before`. What counts for them is left out of what counts.
  CHECK(after - before <= kItems * kJobOverheadBytes);
  CHECK(counted >= kItems * kJobOverheadBytes);
  MESSAGE("bytes a job: ", static_cast<double>(after - before) / kItems);
}
#endif
