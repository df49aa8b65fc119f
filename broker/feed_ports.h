// The ports that feeds may have: the one that has been free the longest is next, so that an old
// worker that wakes late and connects to what was its port finds, as a rule, nobody there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "common/base/clock.h"

namespace millrace {

class FeedPorts {
 public:
  // A worker that has not connected to its feed after this long never will.
  static constexpr Duration kConnectTime = std::chrono::seconds(10);

  // Both ends inclusive.
  FeedPorts(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t port = first; port <= last; ++port) free_.push_back(port);
  }
  std::optional<std::uint64_t> Take() {
    if (free_.empty()) return std::nullopt;
    const std::uint64_t port = free_.front();
    free_.pop_front();
    return port;
  }
  void GiveBack(std::uint64_t port) { free_.push_back(port); }
  [[nodiscard]] std::size_t free() const { return free_.size(); }

 private:
  std::deque<std::uint64_t> free_;
};

}  // namespace millrace
