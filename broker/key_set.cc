#include "broker/key_set.h"

#include <xxhash.h>

namespace millrace {

bool KeySet::Place(std::vector<Hash>& slots, Hash hash) {
  const std::size_t mask = slots.size() - 1;
  for (std::size_t at = hash.low & mask;; at = (at + 1) & mask) {
    if (slots[at] == hash) return false;
    if (slots[at] == Hash{}) {
      slots[at] = hash;
      return true;
    }
  }
}

bool KeySet::Insert(std::string_view key) {
  if (size_ + 1 > slots_.size() / 4 * 3) Grow();
  const XXH128_hash_t raw = XXH3_128bits(key.data(), key.size());
  Hash hash{raw.low64, raw.high64};
  if (hash == Hash{}) hash.high = 1;  // two zeros mean a free slot
  if (!Place(slots_, hash)) return false;
  ++size_;
  return true;
}

void KeySet::Grow() {
  std::vector<Hash> larger(slots_.empty() ? 64 : slots_.size() * 2);
  for (const Hash& hash : slots_) {
    if (hash != Hash{}) Place(larger, hash);
  }
  slots_ = std::move(larger);
}

void KeySet::Clear() {
  slots_ = {};
  size_ = 0;
}

}  // namespace millrace
