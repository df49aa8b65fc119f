// Numbers in a file's bytes. The caller sees to it that they are there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace millrace {

// Of `size` bytes, at most eight, the highest first.
inline std::uint64_t BigEndian(std::span<const std::byte> bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
  }
  return value;
}

// The lowest first.
inline std::uint64_t LittleEndian(std::span<const std::byte> bytes, std::size_t at,
                                  std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) {
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
  }
  return value;
}

inline std::uint32_t Big32(std::span<const std::byte> bytes, std::size_t at) {
  return static_cast<std::uint32_t>(BigEndian(bytes, at, 4));
}

inline std::uint32_t Little32(std::span<const std::byte> bytes, std::size_t at) {
  return static_cast<std::uint32_t>(LittleEndian(bytes, at, 4));
}

}  // namespace millrace
