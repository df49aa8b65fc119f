#include "cli/time_of_day.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace millrace::cli {
namespace {

std::optional<int> Number(std::string_view text, int below) {
  int number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || text.size() > 2 || error != std::errc() || stop != end) return std::nullopt;
  return number >= 0 && number < below ? std::optional(number) : std::nullopt;
}

// The instant that this reading of the clock stands for. `summer` decides where there are two.
std::time_t InstantOf(const std::tm& day, const TimeOfDay& time, bool summer) {
  std::tm reading = day;
  reading.tm_hour = time.hour;
  reading.tm_min = time.minute;
  reading.tm_sec = 0;
  reading.tm_isdst = summer ? 1 : 0;
  return std::mktime(&reading);
}

bool Shows(std::time_t instant, const TimeOfDay& time) {
  std::tm reading{};
  localtime_r(&instant, &reading);
  return reading.tm_hour == time.hour && reading.tm_min == time.minute;
}

}  // namespace

Result<TimeOfDay> ParseTimeOfDay(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && text.size() - colon == 3) {
    const auto hour = Number(text.substr(0, colon), 24);
    const auto minute = Number(text.substr(colon + 1), 60);
    if (hour && minute) return TimeOfDay{*hour, *minute};
  }
  return Fail(ErrorCode::kUsage,
              fmt::format("'{}' is no time of day: write one such as 06:00 or 23:30", text));
}

std::time_t NextTime(const TimeOfDay& time, std::time_t now) {
  std::tm today{};
  localtime_r(&now, &today);
  for (int days = 0;; ++days) {
    std::tm day = today;
    day.tm_mday += days;  // mktime carries it into the month
    const std::time_t summer = InstantOf(day, time, true);
    const std::time_t standard = InstantOf(day, time, false);
    if (summer > now && Shows(summer, time)) return summer;  // the earlier, where there are two
    if (standard > now && (Shows(standard, time) || !Shows(summer, time))) return standard;
  }
}

StopTime NextStop(const TimeOfDay& time, std::time_t now) {
  return {.at = NextTime(time, now), .text = fmt::format("{:02}:{:02}", time.hour, time.minute)};
}

}  // namespace millrace::cli
