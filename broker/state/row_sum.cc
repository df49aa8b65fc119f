#include "broker/state/row_sum.h"

#include <xxhash.h>

#include <array>
#include <cstddef>

namespace millrace {

RowSum& RowSum::Add(std::int64_t value) {
  std::array<char, 8> bytes{};
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    bytes[at] = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * at));
  }
  bytes_.append(bytes.data(), bytes.size());
  return *this;
}

RowSum& RowSum::Add(std::string_view text) {
  Add(static_cast<std::int64_t>(text.size()));
  bytes_ += text;
  return *this;
}

std::uint32_t RowSum::Value() const {
  return static_cast<std::uint32_t>(XXH3_64bits(bytes_.data(), bytes_.size()));
}

}  // namespace millrace
