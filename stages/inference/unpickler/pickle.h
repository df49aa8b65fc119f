// The part of Python's pickle virtual machine that a state dict uses: protocols 2 to 5, without
// anything that could call or construct beyond what IsStateDictName lists.
//
// Nothing is executed. A call (REDUCE) becomes a kCall value that names the callable and holds the
// arguments, a persistent id becomes a kPersistent value; torch_file.cc gives them their meaning.
// Only collections.OrderedDict is turned into what it makes, a dict.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace millrace {

struct PickleValue {
  enum class Kind {
    kNone,
    kBool,        // integer: 0 or 1
    kInteger,     // integer
    kBigInteger,  // text: its little-endian bytes, more than 8
    kNumber,      // number
    kText,        // text
    kTuple,       // items
    kList,        // items
    kDict,        // items: key, value, key, value, ...
    kName,        // name: "torch.FloatStorage"
    kCall,        // name, items[0]: the tuple of arguments
    kPersistent,  // items[0]: the id
  };
  Kind kind = Kind::kNone;
  std::int64_t integer = 0;
  double number = 0;
  std::string_view text;  // inside the pickle's bytes
  std::string name;
  std::vector<const PickleValue*> items;  // owned by the Pickle; may repeat and may form cycles

  // A dict's value of that text key; nullptr where there is none, or where this is no dict.
  [[nodiscard]] const PickleValue* Entry(std::string_view key) const;
};

// "a dict", "a list", ...: for messages.
std::string_view KindText(PickleValue::Kind kind);

// Whether a state dict may name this global ("collections.OrderedDict").
bool IsStateDictName(std::string_view name);

class Pickle {
 public:
  // Reads one pickle from the front of `bytes`, which must outlive it: at most kMaxPickleBytes of
  // them, and at most kMaxValues values. kTruncated, kCorrupt, kTooLarge, or kUnsupportedFormat
  // for what is refused.
  static Result<Pickle> Read(std::span<const std::byte> bytes);

  Pickle() = default;
  Pickle(Pickle&&) = default;
  Pickle& operator=(Pickle&&) = default;
  Pickle(const Pickle&) = delete;  // root_ points into values_
  Pickle& operator=(const Pickle&) = delete;

  static constexpr std::size_t kMaxValues = 2'000'000;

  [[nodiscard]] const PickleValue& root() const { return *root_; }
  [[nodiscard]] std::size_t size_bytes() const { return size_bytes_; }
  // In the order in which the pickle made them.
  [[nodiscard]] const std::vector<const PickleValue*>& persistent_ids() const {
    return persistent_ids_;
  }

 private:
  friend class PickleMachine;

  // One flat owner: nested values need no deep recursion to be freed, cycles no counting.
  std::deque<PickleValue> values_;
  std::vector<const PickleValue*> persistent_ids_;
  const PickleValue* root_ = nullptr;
  std::size_t size_bytes_ = 0;
};

}  // namespace millrace
