#include "cli/failure_limit.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace millrace::cli {
namespace {

TEST_CASE("limits on failures are read as people write them") {
  CHECK(ParseFailureLimit("any") == FailureLimit{.count = 1});
  CHECK(ParseFailureLimit("never") == FailureLimit{});
  CHECK(ParseFailureLimit("20") == FailureLimit{.count = 20});
  CHECK(ParseFailureLimit("5%")->share == doctest::Approx(0.05));
  CHECK(ParseFailureLimit("0.5%")->share == doctest::Approx(0.005));
  CHECK(ParseFailureLimit("100%")->share == doctest::Approx(1));
}

TEST_CASE("what is no limit on failures is refused, and the answer says what would be one") {
  for (const char* text : {"", "0", "-1", "1.5", "0%", "101%", "%", "5 %", "many", "5%%", "nan%"}) {
    CAPTURE(text);
    const auto limit = ParseFailureLimit(text);
    REQUIRE(!limit);
    CHECK(limit.error().code == ErrorCode::kUsage);
    CHECK(limit.error().message.find("5%") != std::string::npos);
  }
}

TEST_CASE("when to stop is a count or a share, and the answer says what any and never would be") {
  CHECK(ParseStopLimit("20") == FailureLimit{.count = 20});
  CHECK(ParseStopLimit("5%")->share == doctest::Approx(0.05));
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"any", "'any' is no number of failures: 1 stops"},
      {"never", "'never' is no number of failures: leave the option out"},
      {"0", "a share such as 5%"},
      {"", "a share such as 5%"}};
  for (const auto& [text, answer] : refused) {
    CAPTURE(text);
    const auto limit = ParseStopLimit(text);
    REQUIRE(!limit);
    CHECK(limit.error().code == ErrorCode::kUsage);
    CHECK(limit.error().message.find(answer) != std::string::npos);
  }
}

TEST_CASE("a count is reached by so many failures, however many succeeded") {
  const FailureLimit limit{.count = 3};
  CHECK_FALSE(limit.ReachedBy(2, 2));
  CHECK(limit.ReachedBy(3, 1'000'000));
}

TEST_CASE("a share is reached by that part of the processed items") {
  const FailureLimit limit{.share = 0.05};
  CHECK_FALSE(limit.ReachedBy(4, 100));
  CHECK(limit.ReachedBy(5, 100));
}

TEST_CASE("nothing that failed reaches no limit, though nothing was processed") {
  CHECK_FALSE(FailureLimit{.share = 0.05}.ReachedBy(0, 0));
  CHECK_FALSE(FailureLimit{.count = 1}.ReachedBy(0, 0));
}

TEST_CASE("never is never reached") { CHECK_FALSE(FailureLimit{}.ReachedBy(1000, 1000)); }

}  // namespace
}  // namespace millrace::cli
