// What earlier runs have done and this one does again, and why: so that a run for which nothing
// counts can say so.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"

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

// Why no result of an earlier run counts for a run.
struct NothingCounts {
  enum class Why {
    kStages,      // `stages` have other options or another model
    kFiles,       // the files have changed, by their size and time or by their content
    kOutputs,     // the outputs are gone or changed
    kOtherFiles,  // none of the files is among those found
    kNewFolder,   // the run wrote to another folder at the same path
  };
  Why why = Why::kStages;
  std::vector<std::int64_t> stages;
  // The earlier run; invalid where it is not remembered.
  RunId run;
  std::int64_t submitted_s = 0;
  std::string input;
};

}  // namespace millrace
