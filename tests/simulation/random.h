// The one source of chance. The same seed gives the same numbers on every machine, which the
// standard library's distributions do not promise.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/clock.h"

namespace millrace::sim {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  // SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
  std::uint64_t Next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // Under `bound`, which is not 0.
  std::size_t Below(std::size_t bound) { return static_cast<std::size_t>(Next() % bound); }
  bool Chance(std::size_t percent) { return Below(100) < percent; }
  // Both ends inclusive.
  std::size_t Between(std::size_t least, std::size_t most) {
    return least + Below(most - least + 1);
  }
  Duration Between(Duration least, Duration most) {
    const auto span = static_cast<std::size_t>((most - least).count());
    return least + Duration(static_cast<Duration::rep>(Below(span + 1)));
  }

 private:
  std::uint64_t state_;
};

}  // namespace millrace::sim
