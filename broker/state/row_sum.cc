#include "broker/state/row_sum.h"

#include <xxhash.h>

namespace millrace {

RowSum& RowSum::Add(std::int64_t value) {
  for (int shift = 0; shift < 64; shift += 8) {
    bytes_ += static_cast<char>(static_cast<std::uint64_t>(value) >> shift);
  }
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
