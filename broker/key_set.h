// A set of item keys that keeps 16 bytes a key: which paths of a run have been seen already.
//
// It stores 128-bit hashes (XXH3). Two different paths out of 10⁹ meet with a chance of 10⁻²¹, far
// below that of the disk giving back a wrong byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace millrace {

class KeySet {
 public:
  // False where the key was in the set already.
  bool Insert(std::string_view key);
  [[nodiscard]] std::size_t size() const { return size_; }
  // Frees the memory.
  void Clear();

 private:
  struct Hash {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    friend bool operator==(const Hash&, const Hash&) = default;
  };

  void Grow();
  // Open addressing with linear probing; a slot of two zeros is free. True if it was new.
  static bool Place(std::vector<Hash>& slots, Hash hash);

  std::vector<Hash> slots_;  // a power of two of them, at most 3/4 full
  std::size_t size_ = 0;
};

}  // namespace millrace
