// The whole of millrace but its sockets, files and stages, under thousands of schedules of faults.
//
// MILLRACE_SEED=N plays one schedule, and tells on stderr what happens in it.
// MILLRACE_SIM_SCHEDULES=N plays N of them. MILLRACE_SIM_PART=I/N plays every N-th, from the I-th.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/simulation/violation.h"
#include "tests/simulation/world.h"

namespace millrace::sim {
namespace {

constexpr std::uint64_t kSchedules = 20000;

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

void PlayOne(std::uint64_t seed, const std::shared_ptr<SQLite::Database>& database, bool trace) {
  try {
    World(seed, database, trace).Play();
  } catch (const Violation& violation) {
    FAIL("not so: " << std::string(violation.what())
                    << "\n  play it again with MILLRACE_SEED=" << seed);
  }
}

}  // namespace

TEST_CASE("whatever goes wrong, every item has its one outcome and every run ends") {
  const std::shared_ptr<SQLite::Database> database = Disk::MakeDatabase();
  if (const std::uint64_t seed = FromEnvironment("MILLRACE_SEED", 0); seed != 0) {
    return PlayOne(seed, database, /*trace=*/true);
  }
  unsigned part = 0;
  unsigned parts = 1;
  if (const char* text = std::getenv("MILLRACE_SIM_PART")) {
    REQUIRE(std::sscanf(text, "%u/%u", &part, &parts) == 2);
  }
  const std::uint64_t schedules = FromEnvironment("MILLRACE_SIM_SCHEDULES", kSchedules);
  for (std::uint64_t seed = 1 + part; seed <= schedules; seed += parts) {
    PlayOne(seed, database, /*trace=*/false);
  }
}

TEST_CASE("a schedule plays the same each time") {
  // A replay is worth nothing where this does not hold.
  const std::shared_ptr<SQLite::Database> database = Disk::MakeDatabase();
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    World first(seed, database, false);
    first.Play();
    World second(seed, database, false);
    second.Play();
    REQUIRE(first.time.Now() == second.time.Now());
  }
}

}  // namespace millrace::sim
