#include "tests/fuzz/heap_peak.h"

#include <doctest/doctest.h>

#include <string>

namespace millrace {

// Without AddressSanitizer there are no hooks, and no peak.
TEST_CASE("the peak is of what was live at once, and falls with what is freed") {
  constexpr std::size_t kBlock = 1 << 20;
  const std::string before(kBlock, 'b');
  const HeapPeak peak;
  CHECK(peak.bytes() < kBlock);
  for (int i = 0; i < 8; ++i) {
    const std::string one(kBlock, 'x');
    const std::string two(i < 4 ? 1 : kBlock, 'y');
  }
  if (peak.bytes() == 0) return;
  CHECK(peak.bytes() >= 2 * kBlock);
  CHECK(peak.bytes() < 3 * kBlock);
}

}  // namespace millrace
