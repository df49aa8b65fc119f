// Simulated time: events in the order of their instants, those of one instant in the order in which
// they were asked for. Nothing waits; the clock jumps from event to event.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "common/base/clock.h"

namespace millrace::sim {

class Scheduler final : public Clock {
 public:
  using Event = std::function<void()>;

  [[nodiscard]] Instant Now() const override { return now_; }
  // Not before now.
  void At(Instant when, Event event) {
    events_.push_back({std::max(when, now_), next_++, std::move(event)});
    std::push_heap(events_.begin(), events_.end(), Later);
  }
  void In(Duration delay, Event event) { At(now_ + delay, std::move(event)); }
  // Runs the next event. False where there is none, or it lies after `end`.
  bool Step(Instant end) {
    if (events_.empty() || events_.front().when > end) return false;
    std::pop_heap(events_.begin(), events_.end(), Later);
    const Entry entry = std::move(events_.back());
    events_.pop_back();
    now_ = entry.when;
    entry.event();
    return true;
  }

 private:
  struct Entry {
    Instant when;
    std::uint64_t number = 0;
    Event event;
  };
  static bool Later(const Entry& a, const Entry& b) {
    return a.when != b.when ? a.when > b.when : a.number > b.number;
  }

  Instant now_{std::chrono::hours(1)};
  std::uint64_t next_ = 0;
  std::vector<Entry> events_;
};

}  // namespace millrace::sim
