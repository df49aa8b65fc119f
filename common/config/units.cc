#include "common/config/units.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <optional>
#include <span>
#include <utility>

namespace millrace {
namespace {

using Unit = std::pair<std::string_view, std::int64_t>;

constexpr std::array<Unit, 7> kDurations{{{"d", 86'400'000'000'000},
                                          {"h", 3'600'000'000'000},
                                          {"m", 60'000'000'000},
                                          {"s", 1'000'000'000},
                                          {"ms", 1'000'000},
                                          {"us", 1'000},
                                          {"ns", 1}}};

constexpr std::array<Unit, 10> kSizes{{{"TiB", std::int64_t{1} << 40},
                                       {"GiB", std::int64_t{1} << 30},
                                       {"MiB", std::int64_t{1} << 20},
                                       {"KiB", std::int64_t{1} << 10},
                                       {"TB", 1'000'000'000'000},
                                       {"GB", 1'000'000'000},
                                       {"MB", 1'000'000},
                                       {"kB", 1'000},
                                       {"KB", 1'000},
                                       {"B", 1}}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

struct Kind {
  std::string_view what;     // "duration"
  std::string_view example;  // "write 10ms, 2s or 5m"
};

Result<std::int64_t> Parse(std::string_view text, std::span<const Unit> units, const Kind& kind) {
  const auto refuse = [&](std::string_view why) {
    return Fail(ErrorCode::kUsage, fmt::format("\"{}\" is not a {}: {}; {}", text.substr(0, 40),
                                               kind.what, why, kind.example));
  };
  std::size_t end = 0;
  while (end < text.size() && IsDigit(text[end])) ++end;
  const std::string_view whole = text.substr(0, end);
  std::string_view fraction;
  if (end < text.size() && text[end] == '.') {
    std::size_t last = end + 1;
    while (last < text.size() && IsDigit(text[last])) ++last;
    fraction = text.substr(end + 1, last - end - 1);
    if (fraction.empty()) return refuse("a digit belongs after the point");
    end = last;
  }
  const std::string_view unit_name = text.substr(end);
  if (whole.empty()) return refuse("it does not begin with a digit");
  if (whole.size() > 1 && whole[0] == '0') return refuse("a leading zero");
  if (unit_name.empty()) return refuse("the unit is missing");
  const Unit* unit = nullptr;
  for (const Unit& candidate : units) {
    if (candidate.first == unit_name) unit = &candidate;
  }
  if (unit == nullptr) return refuse(fmt::format("unknown unit \"{}\"", unit_name.substr(0, 20)));
  // Four digits: the largest unit, a day of nanoseconds, times 10^4 fits in 63 bits.
  if (whole.size() > 19 || fraction.size() > 4) return refuse("too many digits");

  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::uint64_t count = 0;  // nineteen digits fit
  for (const char digit : whole) count = count * 10 + static_cast<std::uint64_t>(digit - '0');
  if (count > static_cast<std::uint64_t>(kMost / unit->second)) return refuse("too large");
  const std::int64_t value = static_cast<std::int64_t>(count) * unit->second;
  std::int64_t parts = 0;
  std::int64_t denominator = 1;
  for (const char digit : fraction) {
    parts = parts * 10 + (digit - '0');
    denominator *= 10;
  }
  if (parts * unit->second % denominator != 0) return refuse("it does not come out whole");
  parts = parts * unit->second / denominator;
  if (value > kMost - parts) return refuse("too large");
  return value + parts;
}

std::string Format(std::int64_t value, std::span<const Unit> units) {
  if (value == 0) return "";
  for (const auto& [name, size] : units) {
    if (value % size == 0) return fmt::format("{}{}", value / size, name);
  }
  return "";
}

}  // namespace

Result<Duration> ParseDuration(std::string_view text) {
  ASSIGN_OR_RETURN(const std::int64_t nanoseconds, Parse(text, kDurations,
                                                         {"duration",
                                                          "write a number and a unit, as 10ms, 2s, "
                                                          "5m, 1h or 30d"}));
  return Duration(nanoseconds);
}

Result<std::int64_t> ParseBytes(std::string_view text) {
  return Parse(text, kSizes,
               {"size", "write a number and a unit, as 10B, 64KiB, 1MiB, 2GiB or 500MB"});
}

std::string FormatDuration(Duration duration) {
  return duration.count() == 0 ? "0s" : Format(duration.count(), kDurations);
}

std::string FormatBytes(std::int64_t bytes) { return bytes == 0 ? "0B" : Format(bytes, kSizes); }

}  // namespace millrace
