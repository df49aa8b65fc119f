#include "stages/scanner/sample.h"

#include <limits>

namespace millrace {

std::uint64_t SampleHash(std::string_view key) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : key) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  return hash ^ (hash >> 31);
}

void SampleDraw::Add(std::string_view key) {
  smallest_.insert(SampleHash(key));
  if (smallest_.size() > count_) smallest_.erase(std::prev(smallest_.end()));
}

std::uint64_t SampleDraw::Threshold() const {
  if (smallest_.size() < count_) return std::numeric_limits<std::uint64_t>::max();
  return *smallest_.rbegin();
}

}  // namespace millrace
