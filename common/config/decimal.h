// Numbers as people write them, and in no other way: what other readers of YAML take for octal
// (010), hexadecimal (0x10) or grouped (1_000) is none.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace {

// 0 | [1-9][0-9]*, with a minus where it is negative.
std::optional<std::int64_t> ParseInteger(std::string_view text);

// The same with a fraction (.5 needs its 0) and an exponent (e-7); finite.
std::optional<double> ParseNumber(std::string_view text);

}  // namespace millrace
