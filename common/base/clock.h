// Time. Code that waits or expires takes its instants as arguments or asks a Clock it was given, so
// that tests turn it by hand.
#pragma once

#include <chrono>

namespace millrace {

using Duration = std::chrono::nanoseconds;
// An instant of the monotonic clock: never set back, meaningless outside this machine.
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant Now() const = 0;
};

class SteadyClock final : public Clock {
 public:
  [[nodiscard]] Instant Now() const override { return std::chrono::steady_clock::now(); }
};

class ManualClock final : public Clock {
 public:
  [[nodiscard]] Instant Now() const override { return now_; }
  void Advance(Duration by) { now_ += by; }

 private:
  Instant now_{std::chrono::hours(1)};
};

}  // namespace millrace
