// Meta: the small facts that travel with an item (its size in pixels, its orientation, ...).
// On the wire: a msgpack map with string keys, at most kMaxMetaBytes encoded; opaque to the broker.
//
// Equal Metas have equal bytes, whatever order they were filled in: the broker compares what the
// scanner says of an item with what it said in an earlier run, byte by byte, to know that the item
// is unchanged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/result.h"

namespace millrace {

using MetaValue = std::variant<bool, std::int64_t, double, std::string>;

inline constexpr std::size_t kMaxMetaBytes = 16 * 1024;

class Meta {
 public:
  void Set(std::string name, MetaValue value) { values_[std::move(name)] = std::move(value); }

  // The value of that name, or `otherwise` where it is missing or of another type.
  [[nodiscard]] bool Bool(std::string_view name, bool otherwise) const;
  [[nodiscard]] std::int64_t Integer(std::string_view name, std::int64_t otherwise) const;
  [[nodiscard]] std::string Text(std::string_view name, std::string otherwise = "") const;

  [[nodiscard]] bool empty() const { return values_.empty(); }
  [[nodiscard]] const std::map<std::string, MetaValue, std::less<>>& values() const {
    return values_;
  }

  // msgpack; "" for an empty map.
  [[nodiscard]] std::string Encode() const;
  // Total: any bytes give a Meta or kProtocol.
  static Result<Meta> Decode(std::string_view bytes);

  friend bool operator==(const Meta&, const Meta&) = default;

 private:
  std::map<std::string, MetaValue, std::less<>> values_;
};

}  // namespace millrace
