#include "common/config/units.h"

#include <doctest/doctest.h>

#include <limits>
#include <random>

namespace millrace {
namespace {

using namespace std::chrono_literals;

TEST_CASE("durations are read with every unit, and fractions where they come out whole") {
  CHECK(ParseDuration("10ms").value() == 10ms);
  CHECK(ParseDuration("2s").value() == 2s);
  CHECK(ParseDuration("1.5s").value() == 1500ms);
  CHECK(ParseDuration("5m").value() == 5min);
  CHECK(ParseDuration("1h").value() == 1h);
  CHECK(ParseDuration("30d").value() == 720h);
  CHECK(ParseDuration("0s").value() == 0s);
  CHECK(ParseDuration("7us").value() == 7us);
  CHECK(ParseDuration("1ns").value() == 1ns);
}

TEST_CASE("a kibibyte is 1024 bytes and a kilobyte 1000") {
  CHECK(ParseBytes("10B").value() == 10);
  CHECK(ParseBytes("64KiB").value() == 65536);
  CHECK(ParseBytes("1MiB").value() == 1 << 20);
  CHECK(ParseBytes("1.5GiB").value() == 3LL << 29);
  CHECK(ParseBytes("500MB").value() == 500'000'000);
  CHECK(ParseBytes("2kB").value() == 2000);
  CHECK(ParseBytes("2KB").value() == 2000);
  CHECK(ParseBytes("1TiB").value() == 1LL << 40);
}

TEST_CASE("what has no unit, a sign, a leading zero or a remainder is refused") {
  for (const char* text :
       {"",     "10",  "s",    "ms",   "-1s",      "+1s",     "010ms",
        "00s",  "1 s", " 1s",  "1s ",  "1.s",      ".5s",     "1.5ns",
        "1e3s", "1S",  "1_0s", "0x1s", "1.12345s", "106752d", "9999999999999999999s",
        "1,5s"}) {
    CAPTURE(text);
    CHECK(!ParseDuration(text));
  }
  for (const char* text : {"", "10", "B", "-1B", "010B", "0.5B", "1Mb", "1mib", "1K", "1 MiB",
                           "9223372036854775808B", "8388608TiB", "1.00001MiB"}) {
    CAPTURE(text);
    CHECK(!ParseBytes(text));
  }
}

TEST_CASE("a refusal says what is wrong and shows what is right") {
  CHECK(ParseBytes("10").error().message ==
        "\"10\" is not a size: the unit is missing; write a number and a unit, as 10B, 64KiB, "
        "1MiB, 2GiB or 500MB");
  CHECK(ParseDuration("5min").error().code == ErrorCode::kUsage);
}

TEST_CASE("the largest values are read and written") {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  CHECK(ParseBytes(FormatBytes(most)).value() == most);
  CHECK(ParseDuration(FormatDuration(Duration(most))).value() == Duration(most));
}

TEST_CASE("values are written in the largest unit that keeps them exact") {
  CHECK(FormatBytes(0) == "0B");
  CHECK(FormatBytes(1 << 28) == "256MiB");
  CHECK(FormatBytes(500'000'000) == "500MB");
  CHECK(FormatBytes(1537) == "1537B");
  CHECK(FormatDuration(0s) == "0s");
  CHECK(FormatDuration(1500ms) == "1500ms");
  CHECK(FormatDuration(24h) == "1d");
}

TEST_CASE("what is written is read back") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 10000; ++i) {
    const auto value = static_cast<std::int64_t>(random() >> (1 + i % 63));
    REQUIRE(ParseBytes(FormatBytes(value)).value() == value);
    REQUIRE(ParseDuration(FormatDuration(Duration(value))).value() == Duration(value));
  }
}

}  // namespace
}  // namespace millrace
