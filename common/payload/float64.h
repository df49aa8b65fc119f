// A float64 in msgpack, whatever its value. msgpack-cxx writes one of a whole value as an integer:
// what was a number comes back as another type, and beyond 2^63 not at all.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <msgpack.hpp>

namespace millrace {

// Behind what a packer has written to the buffer so far.
inline void PackFloat64(msgpack::sbuffer& buffer, double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  std::array<char, 9> bytes = {'\xcb'};
  for (std::size_t i = 0; i < 8; ++i) bytes[1 + i] = static_cast<char>(bits >> (56 - 8 * i) & 0xff);
  buffer.write(bytes.data(), bytes.size());
}

}  // namespace millrace
