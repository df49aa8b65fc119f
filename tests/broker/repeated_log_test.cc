#include "broker/repeated_log.h"

#include <doctest/doctest.h>

namespace millrace {
namespace {

using Lines = std::vector<std::string>;

TEST_CASE("what comes again and again is said once, then counted at growing intervals") {
  RepeatedLog log;
  ManualClock clock;
  Lines lines;
  // Ten a second, for an hour.
  for (int i = 0; i < 36'000; ++i) {
    if (const auto line = log.Note("refused", "refused work-0: why", clock.Now())) {
      lines.push_back(*line);
    }
    clock.Advance(std::chrono::milliseconds(100));
  }
  REQUIRE(lines.size() == 9);  // after 10, 30, 70, ... seconds
  CHECK(lines[0] == "refused work-0: why");
  CHECK(lines[1] ==
        "refused work-0: why (and 99 more like it since that was last said; 101 so far)");
  CHECK(lines[2] ==
        "refused work-0: why (and 199 more like it since that was last said; 301 so far)");
  CHECK(log.Rest() == Lines{"10499 more, 36000 in all, of which the last: refused work-0: why"});
  CHECK(log.Rest().empty());
}

TEST_CASE("the first lines of a kind may all be said, and kinds do not silence each other") {
  RepeatedLog log;
  ManualClock clock;
  for (int i = 0; i < 5; ++i)
    CHECK(log.Note("ended", std::to_string(i), clock.Now(), 5) == std::to_string(i));
  CHECK(!log.Note("ended", "5", clock.Now(), 5));
  CHECK(log.Note("refused", "x", clock.Now()) == "x");
  CHECK(log.Rest() == Lines{"1 more, 6 in all, of which the last: 5"});
}

}  // namespace
}  // namespace millrace
