#include "cli/time_of_day.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

namespace millrace::cli {
namespace {

// Puts the process into a time zone, for one test.
class Zone {
 public:
  explicit Zone(const char* zone) {
    if (const char* before = std::getenv("TZ")) before_ = before;
    setenv("TZ", zone, 1);
    tzset();
  }
  ~Zone() {
    before_.empty() ? unsetenv("TZ") : setenv("TZ", before_.c_str(), 1);
    tzset();
  }
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;

 private:
  std::string before_;
};

// Central Europe's rules, written out: needs no zone files.
constexpr const char* kBerlin = "CET-1CEST,M3.5.0,M10.5.0/3";

std::time_t Utc(int year, int month, int day, int hour, int minute, int second = 0) {
  std::tm time{};
  time.tm_year = year - 1900;
  time.tm_mon = month - 1;
  time.tm_mday = day;
  time.tm_hour = hour;
  time.tm_min = minute;
  time.tm_sec = second;
  return timegm(&time);
}

TEST_CASE("a time of day has two digits of minutes and exists") {
  CHECK(ParseTimeOfDay("06:00") == TimeOfDay{6, 0});
  CHECK(ParseTimeOfDay("6:05") == TimeOfDay{6, 5});
  CHECK(ParseTimeOfDay("23:59") == TimeOfDay{23, 59});
  for (const char* wrong : {"", "6", "06:0", "24:00", "06:60", "-1:00", "06:00:00", "6am", ":30",
                            "006:00", "06:+1", "06 00"}) {
    CAPTURE(wrong);
    CHECK_FALSE(ParseTimeOfDay(wrong));
  }
}

TEST_CASE("a time that is still to come is today, one that has passed is tomorrow") {
  const Zone zone("UTC");
  const std::time_t now = Utc(2026, 12, 31, 22, 30, 15);
  CHECK(NextTime({23, 0}, now) == Utc(2026, 12, 31, 23, 0));
  CHECK(NextTime({6, 0}, now) == Utc(2027, 1, 1, 6, 0));
  CHECK(NextTime({22, 30}, now) == Utc(2027, 1, 1, 22, 30));
  CHECK(NextTime({22, 30}, Utc(2026, 12, 31, 22, 30)) == Utc(2027, 1, 1, 22, 30));
}

TEST_CASE("a time to stop at is told as the clock shows it") {
  const Zone zone("UTC");
  const StopTime stop = NextStop({6, 5}, Utc(2026, 12, 31, 22, 30));
  CHECK(stop.at == Utc(2027, 1, 1, 6, 5));
  CHECK(stop.text == "06:05");
}

TEST_CASE("the night in which summer time begins or ends is shorter or longer by an hour") {
  const Zone zone(kBerlin);
  CHECK(NextTime({6, 0}, Utc(2026, 3, 28, 21, 0)) == Utc(2026, 3, 29, 4, 0));
  CHECK(NextTime({6, 0}, Utc(2026, 10, 24, 20, 0)) == Utc(2026, 10, 25, 5, 0));
}

TEST_CASE("a time that the clock passes over is taken by the time before the change") {
  const Zone zone(kBerlin);
  CHECK(NextTime({2, 30}, Utc(2026, 3, 28, 21, 0)) == Utc(2026, 3, 29, 1, 30));
}

TEST_CASE("a time that comes twice counts both times") {
  const Zone zone(kBerlin);
  const std::time_t first = Utc(2026, 10, 25, 0, 30);  // 02:30 summer time
  CHECK(NextTime({2, 30}, Utc(2026, 10, 24, 20, 0)) == first);
  CHECK(NextTime({2, 30}, first) == first + 3600);
  CHECK(NextTime({2, 30}, first + 3600) == Utc(2026, 10, 26, 1, 30));
}

}  // namespace
}  // namespace millrace::cli
