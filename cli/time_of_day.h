// --until 06:00: a time of day on this machine's clock.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace millrace::cli {

struct TimeOfDay {
  int hour = 0;
  int minute = 0;
  friend bool operator==(const TimeOfDay&, const TimeOfDay&) = default;
};

// "06:00", "6:00", "23:59"; kUsage for anything else.
Result<TimeOfDay> ParseTimeOfDay(std::string_view text);

// When the local clock shows `time` next, after `now`. A time that comes twice on the day that
// summer time ends counts both times; one that the clock passes over as summer time begins is taken
// by the time before the change.
std::time_t NextTime(const TimeOfDay& time, std::time_t now);

// When a run is to be stopped, and that time for people.
struct StopTime {
  std::time_t at = 0;
  std::string text;
};
StopTime NextStop(const TimeOfDay& time, std::time_t now);

}  // namespace millrace::cli
