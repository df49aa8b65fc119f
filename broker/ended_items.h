// What has ended of a run, for a client that wants to know as it happens. In memory, and bounded: a
// client that does not ask in time misses some of it, and finds all in the run's files at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "common/wire/messages.h"

namespace millrace {

class EndedItems {
 public:
  static constexpr std::size_t kMostBytes = 8u << 20;
  static constexpr std::size_t kPageItems = 1000;
  static constexpr std::size_t kPageBytes = 1u << 20;

  // The oldest go where there are too many.
  void Add(wire::EndedItem item);
  // Those from number `from` on, as many as fit in a reply; what is before it is forgotten. A
  // number that is none of ours, of an earlier broker: from the start.
  wire::EndedReply PageFrom(std::uint64_t from);

 private:
  void DropFirst();

  std::deque<wire::EndedItem> items_;
  std::uint64_t first_ = 0;  // number of the first
  std::size_t bytes_ = 0;
};

}  // namespace millrace
