// One item, as the state keeps it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/records.h"
#include "common/wire/messages.h"

namespace millrace {

enum class ItemState : std::uint8_t { kOpen = 0, kOk = 1, kFailed = 2, kSkipped = 3 };

struct ItemRow {
  std::int64_t root = 0;
  std::string key;              // bytes; with root the row's key
  std::int64_t generation = 0;  // of the walk that named it last
  ItemState state = ItemState::kOpen;
  std::int64_t stage = 0;   // where it ended; of an open one, where its marks are from
  std::int64_t recipe = 0;  // of the stages up to there (recipe_ids); 0: none
  std::string meta;         // the scanner's: the fingerprint of the input
  std::string code;         // of a failure; the reason of a skip
  std::string text;
  ItemMarks marks;
  std::vector<wire::OutputFile> outputs;
  std::string warnings;  // codes, one a line
  // What the walk of `generation` said of it, where that is no outcome of the item: excluded, say,
  // or not to be read just now (SaidOf). All above is then from before that walk, and stands for a
  // later one. "" where it is of this walk.
  std::string said;

  // Becomes what its run has of it: what the walk said, where it said something.
  void TakeWhatWasSaid();

  // Of all of it; kept beside the row.
  [[nodiscard]] std::uint32_t Sum() const;
};

// "skipped REASON" or "failed CODE TEXT", for ItemRow::said.
std::string SaidOf(ItemState state, std::string_view code, std::string_view text);

// For each file "BYTES MTIME_NS PATH" and a NUL; a path that is the item's key is left out.
std::string EncodeOutputs(const std::vector<wire::OutputFile>& outputs, std::string_view key);
// Total: what is not of that form is left out.
std::vector<wire::OutputFile> DecodeOutputs(std::string_view text, std::string_view key);

}  // namespace millrace
