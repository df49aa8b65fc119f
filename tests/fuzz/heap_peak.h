// How much heap a call took at its peak, told by AddressSanitizer's allocator hooks: what
// -malloc_limit_mb sees of one allocation and in whole MiB, this sees of all of them together and
// in bytes, so that a bound can be a multiple of the input's size.
#pragma once

#include <cstddef>

namespace millrace {

// Counts all threads' allocations. One at a time may live.
class HeapPeak {
 public:
  HeapPeak();
  ~HeapPeak();
  HeapPeak(const HeapPeak&) = delete;
  HeapPeak& operator=(const HeapPeak&) = delete;

  // The most bytes that were live at once since this was made, less those that were live then.
  // 0 without AddressSanitizer.
  [[nodiscard]] std::size_t bytes() const;
};

}  // namespace millrace
