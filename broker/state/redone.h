// What earlier runs have done and this one does again, and why: so that a run for which nothing
// counts can say so.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace {

// Results of earlier runs that do not count for this one.
struct Redone {
  std::int64_t by_stages = 0;  // another recipe made them
  std::int64_t by_file = 0;    // of what is another file by now
  std::int64_t by_output = 0;  // their outputs are gone or changed
  std::int64_t recipe = 0;     // of one of by_stages (recipe_ids)

  // As a column of the run's row: "" where there is nothing to tell. Decode is total.
  [[nodiscard]] std::string Encode() const;
  static Redone Decode(std::string_view text);
  friend bool operator==(const Redone&, const Redone&) = default;
};

}  // namespace millrace
