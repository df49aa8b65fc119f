// Durations and sizes as people write them: a decimal number and a unit, nothing between them.
//
//   duration   10ms  1.5s  5m  1h  30d          units ns us ms s m h d
//   size       10B  64KiB  1.5GiB  500MB        units B, KiB MiB GiB TiB (1024), kB KB MB GB TB
//   (1000)
//
// The unit is never left out, a leading zero or a sign never accepted, and the value must come out
// whole (nanoseconds, bytes): nothing is rounded in silence.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/result.h"

namespace millrace {

// kUsage with what is wrong and an example of what is right.
Result<Duration> ParseDuration(std::string_view text);
Result<std::int64_t> ParseBytes(std::string_view text);

// The shortest exact text that the parser above reads back to the same value: 1500ms, 256MiB,
// 500MB. Not negative.
std::string FormatDuration(Duration duration);
std::string FormatBytes(std::int64_t bytes);

}  // namespace millrace
