// The checksum of a row: SQLite has none, and a byte that the disk has changed would be believed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace {

class RowSum {
 public:
  RowSum& Add(std::int64_t value);
  // With its length, so that no two rows are the same bytes.
  RowSum& Add(std::string_view text);
  // 32 bits: a change goes unseen once in four billion.
  [[nodiscard]] std::uint32_t Value() const;

 private:
  std::string bytes_;
};

// Of the columns of a row, in order.
template <typename... Columns>
std::uint32_t SumOf(const Columns&... columns) {
  RowSum sum;
  (sum.Add(columns), ...);
  return sum.Value();
}

}  // namespace millrace
