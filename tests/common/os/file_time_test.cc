#include "common/os/file_time.h"

#include <doctest/doctest.h>

using namespace millrace;

namespace {

std::int64_t At(std::int64_t seconds, long nanoseconds) {
  struct stat status {};
  status.st_mtim.tv_sec = seconds;
  status.st_mtim.tv_nsec = nanoseconds;
  return MtimeNs(status);
}

}  // namespace

TEST_CASE("a file's time is in nanoseconds, before 1970 too") {
  CHECK(At(1'700'000'000, 5) == 1'700'000'000'000'000'005);
  CHECK(At(-1, 999'999'999) == -1);
}

TEST_CASE("a time that is too far away is the farthest there is, and not one of another age") {
  constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min();
  CHECK(At(9'223'372'036, 854'775'807) == kLast);
  CHECK(At(9'223'372'036, 854'775'808) == kLast);
  CHECK(At(9'223'372'037, 0) == kLast);
  CHECK(At(kLast, 0) == kLast);
  CHECK(At(-9'223'372'037, 0) == kFirst);
  CHECK(At(kFirst, 0) == kFirst);
}
