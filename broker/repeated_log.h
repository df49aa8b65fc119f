// What is said of things that a peer can bring about as often as it likes: the first of a kind is
// said, then how many there were, at growing intervals and at the end.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"

namespace millrace {

class RepeatedLog {
 public:
  // Between a kind's first line and the count of what came since; each next one is twice as long.
  static constexpr Duration kFirstPause = std::chrono::seconds(10);
  static constexpr Duration kLongestPause = std::chrono::hours(1);

  // The line to be logged; nothing where it is only counted. `kind`: one of a few, never a peer's
  // own words. The first `lines` of a kind are all said.
  std::optional<std::string> Note(const std::string& kind, const std::string& line, Instant now,
                                  std::uint64_t lines = 1);
  // For the end: a line for each kind of which something was not told.
  std::vector<std::string> Rest();

 private:
  struct Kind {
    std::uint64_t said = 0;    // of the first lines
    std::uint64_t count = 0;   // all of it
    std::uint64_t untold = 0;  // since the last line
    Duration pause = kFirstPause;
    Instant next;  // when the next line may be said
    std::string last;
  };
  std::map<std::string, Kind> kinds_;
};

}  // namespace millrace
