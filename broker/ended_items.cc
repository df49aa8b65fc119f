#include "broker/ended_items.h"

#include <utility>

namespace millrace {
namespace {

std::size_t BytesOf(const wire::EndedItem& item) {
  return sizeof item + item.path.size() + item.code.size() + item.text.size() + item.record.size();
}

}  // namespace

void EndedItems::Add(wire::EndedItem item) {
  bytes_ += BytesOf(item);
  items_.push_back(std::move(item));
  while (bytes_ > kMostBytes && items_.size() > 1) DropFirst();
}

wire::EndedReply EndedItems::PageFrom(std::uint64_t from) {
  if (from > first_ + items_.size()) from = 0;
  while (first_ < from) DropFirst();
  wire::EndedReply reply;
  std::size_t bytes = 0;
  for (const wire::EndedItem& item : items_) {
    bytes += BytesOf(item);
    if (reply.items.size() == kPageItems || (bytes > kPageBytes && !reply.items.empty())) break;
    reply.items.push_back(item);
  }
  reply.next = first_ + reply.items.size();
  return reply;
}

void EndedItems::DropFirst() {
  bytes_ -= BytesOf(items_.front());
  items_.pop_front();
  ++first_;
}

}  // namespace millrace
