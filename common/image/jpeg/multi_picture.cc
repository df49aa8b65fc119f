#include "common/image/jpeg/multi_picture.h"

#include <algorithm>

namespace millrace {
namespace {

constexpr unsigned kNumberOfImages = 0xB001;
constexpr unsigned kEntries = 0xB002;
constexpr std::size_t kEntryBytes = 16;

// A directory of TIFF's kind.
class Block {
 public:
  explicit Block(std::span<const std::byte> bytes) : bytes_(bytes) {
    big_ = bytes.size() > 1 && bytes[0] == std::byte{'M'} && bytes[1] == std::byte{'M'};
  }

  [[nodiscard]] bool Has(std::size_t at, std::size_t size) const {
    return at <= bytes_.size() && size <= bytes_.size() - at;
  }
  // 0 where it is not in the block.
  [[nodiscard]] std::size_t Number(std::size_t at, std::size_t size) const {
    std::size_t number = 0;
    if (!Has(at, size)) return 0;
    for (std::size_t i = 0; i < size; ++i) {
      number =
          number << 8 | std::to_integer<std::size_t>(bytes_[big_ ? at + i : at + size - 1 - i]);
    }
    return number;
  }

 private:
  std::span<const std::byte> bytes_;
  bool big_;
};

}  // namespace

MultiPictureIndex ParseMultiPictureIndex(std::span<const std::byte> bytes, std::size_t offset) {
  MultiPictureIndex index;
  const Block block(bytes);
  const std::size_t directory = block.Number(4, 4);
  if (block.Number(2, 2) != 42 || !block.Has(directory, 2)) return index;
  std::size_t images = 0;
  std::size_t entries = 0;
  std::size_t size = 0;
  for (std::size_t i = 0; i < block.Number(directory, 2); ++i) {
    const std::size_t field = directory + 2 + 12 * i;
    if (!block.Has(field, 12)) return index;
    const std::size_t tag = block.Number(field, 2);
    if (tag == kNumberOfImages) images = block.Number(field + 8, 4);
    if (tag == kEntries) {
      size = block.Number(field + 4, 4);
      entries = block.Number(field + 8, 4);
    }
  }
  if (images == 0 || size / kEntryBytes < images || !block.Has(entries, size)) return index;
  index.parses = true;
  for (std::size_t i = 1; i < images; ++i) {
    index.begins.push_back(offset + block.Number(entries + kEntryBytes * i + 8, 4));
  }
  return index;
}

}  // namespace millrace
