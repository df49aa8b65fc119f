#include "common/stage/batcher.h"

#include <doctest/doctest.h>

namespace millrace {
namespace {

using std::chrono::milliseconds;

struct World {
  ManualClock clock;
  Batcher batcher{3, milliseconds(10)};
  std::uint64_t last = 0;

  void Add(bool alone = false) {
    ++last;
    batcher.Add({{JobId(last), Delivery(1)}, Job{.id = JobId(last)}, alone, clock.Now()});
  }
  std::vector<std::uint64_t> Take(bool no_more = false) {
    std::vector<std::uint64_t> ids;
    for (const auto& job : batcher.Take(clock.Now(), no_more)) ids.push_back(job.job.id.value());
    return ids;
  }
};

using Ids = std::vector<std::uint64_t>;

TEST_CASE("a batch waits for its delay from the first job on, not from the last") {
  World world;
  world.Add();
  world.clock.Advance(milliseconds(9));
  world.Add();
  CHECK(world.Take() == Ids{});
  CHECK(world.batcher.DueAt(false) == world.clock.Now() + milliseconds(1));
  world.clock.Advance(milliseconds(1));
  CHECK(world.Take() == Ids{1, 2});
  CHECK_FALSE(world.batcher.DueAt(false).has_value());
}

TEST_CASE("a full batch does not wait, and takes no more than its size") {
  World world;
  for (int i = 0; i < 4; ++i) world.Add();
  CHECK(world.Take() == Ids{1, 2, 3});
  CHECK(world.Take() == Ids{});
}

TEST_CASE("a batch that nothing can fill does not wait") {
  World world;
  world.Add();
  CHECK(world.Take(false) == Ids{});
  CHECK(world.Take(true) == Ids{1});
}

TEST_CASE("an alone job is a batch by itself, at once, and closes the one before it") {
  World world;
  world.Add();
  world.Add(true);
  world.Add();
  CHECK(world.Take() == Ids{1});
  CHECK(world.Take() == Ids{2});
  CHECK(world.Take() == Ids{});
  world.clock.Advance(milliseconds(10));
  CHECK(world.Take() == Ids{3});
}

TEST_CASE("a removed job is not in the batch, and only the lease named is removed") {
  World world;
  world.Add();
  world.Add();
  CHECK_FALSE(world.batcher.Remove({JobId(1), Delivery(2)}));
  CHECK(world.batcher.Remove({JobId(1), Delivery(1)}));
  CHECK_FALSE(world.batcher.Contains({JobId(1), Delivery(1)}));
  CHECK(world.Take(true) == Ids{2});
}

}  // namespace
}  // namespace millrace
