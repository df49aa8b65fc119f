// Which entries of a scan are drawn by `sample`: those whose keys have the N smallest hashes. So
// the draw is spread evenly over the tree, is the same on every machine and in every order, and a
// larger N only adds to a smaller one's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>

namespace millrace {

// 64-bit FNV-1a over the key's bytes, finished with splitmix64's mixer (FNV alone leaves the upper
// bits of similar names alike). Fixed for good: it decides what a sample is.
std::uint64_t SampleHash(std::string_view key);

// Collects all keys and tells the N-th smallest hash. Memory: 48 bytes times N.
class SampleDraw {
 public:
  explicit SampleDraw(std::size_t count) : count_(count) {}
  void Add(std::string_view key);
  // Keys with a hash up to this one are drawn; the largest hash where there were fewer than N.
  [[nodiscard]] std::uint64_t Threshold() const;

 private:
  const std::size_t count_;
  std::set<std::uint64_t> smallest_;
};

}  // namespace millrace
