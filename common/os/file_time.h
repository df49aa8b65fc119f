// A file's time as one number.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <limits>

namespace millrace {

// Nanoseconds from 1970 to the file's last change. A time that 64 bits cannot hold, before 1677 or
// after 2262 (file systems may have any), is the nearest that they can.
inline std::int64_t MtimeNs(const struct stat& status) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  std::int64_t whole = 0;
  std::int64_t sum = 0;
  if (__builtin_mul_overflow(std::int64_t{status.st_mtim.tv_sec}, kSecond, &whole) ||
      __builtin_add_overflow(whole, std::int64_t{status.st_mtim.tv_nsec}, &sum)) {
    return status.st_mtim.tv_sec < 0 ? std::numeric_limits<std::int64_t>::min()
                                     : std::numeric_limits<std::int64_t>::max();
  }
  return sum;
}

}  // namespace millrace
