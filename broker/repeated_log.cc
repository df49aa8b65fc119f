#include "broker/repeated_log.h"

#include <algorithm>
#include <utility>

namespace millrace {

std::optional<std::string> RepeatedLog::Note(const std::string& kind, const std::string& line,
                                             Instant now, std::uint64_t lines) {
  Kind& entry = kinds_[kind];
  ++entry.count;
  if (entry.said < lines) {
    ++entry.said;
    entry.next = now + entry.pause;
    return line;
  }
  entry.last = line;
  if (now < entry.next) {
    ++entry.untold;
    return std::nullopt;
  }
  entry.pause = std::min<Duration>(entry.pause * 2, kLongestPause);
  entry.next = now + entry.pause;
  const std::uint64_t untold = std::exchange(entry.untold, 0);
  if (untold == 0) return line;
  return line + " (and " + std::to_string(untold) + " more like it since that was last said; " +
         std::to_string(entry.count) + " so far)";
}

std::vector<std::string> RepeatedLog::Rest() {
  std::vector<std::string> lines;
  for (auto& [kind, entry] : kinds_) {
    const std::uint64_t untold = std::exchange(entry.untold, 0);
    if (untold == 0) continue;
    lines.push_back(std::to_string(untold) + " more, " + std::to_string(entry.count) +
                    " in all, of which the last: " + entry.last);
  }
  return lines;
}

}  // namespace millrace
