#include "common/image/heif_primary.h"

#include <optional>
#include <string_view>
#include <vector>

#include "common/image/byte_order.h"
#include "common/image/transpose.h"

namespace millrace {
namespace {

struct Box {
  std::string_view type;
  FileBytes body;  // behind its size and type
};

// Takes the first box from `rest`; nothing where it is not whole.
std::optional<Box> TakeBox(FileBytes& rest) {
  std::size_t head = 8;
  if (rest.size() < head) return std::nullopt;
  std::uint64_t size = Big32(rest, 0);
  if (size == 1) {
    head = 16;
    if (rest.size() < head) return std::nullopt;
    size = BigEndian(rest, 8, 8);
  } else if (size == 0) {  // up to the end
    size = rest.size();
  }
  if (size < head || size > rest.size()) return std::nullopt;
  Box box;
  box.type = {reinterpret_cast<const char*>(rest.data()) + 4, 4};
  box.body = rest.subspan(head, static_cast<std::size_t>(size) - head);
  rest = rest.subspan(static_cast<std::size_t>(size));
  return box;
}

// The body of the first box of this type within `bytes`; empty where there is none.
FileBytes Find(FileBytes bytes, std::string_view type) {
  while (const auto box = TakeBox(bytes)) {
    if (box->type == type) return box->body;
  }
  return {};
}

// Reads numbers from the front; 0 once the bytes are used up.
class Numbers {
 public:
  explicit Numbers(FileBytes bytes) : bytes_(bytes) {}

  std::uint64_t Next(std::size_t size) {
    if (bytes_.size() < size) {
      ended_ = true;
      return 0;
    }
    const std::uint64_t value = BigEndian(bytes_, 0, size);
    bytes_ = bytes_.subspan(size);
    return value;
  }
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  FileBytes bytes_;
  bool ended_ = false;
};

// Which of the properties in ipco belong to the item, by their places there, from 1 on.
std::vector<std::size_t> PropertiesOf(std::uint64_t item, FileBytes iprp) {
  std::vector<std::size_t> places;
  while (const auto box = TakeBox(iprp)) {
    if (box->type != "ipma") continue;
    Numbers numbers(box->body);
    const std::uint64_t version_and_flags = numbers.Next(4);
    const std::size_t item_bytes = version_and_flags >> 24 == 0 ? 2 : 4;
    const std::size_t place_bytes = (version_and_flags & 1) != 0 ? 2 : 1;
    for (std::uint64_t left = numbers.Next(4); left > 0 && !numbers.ended(); --left) {
      const bool ours = numbers.Next(item_bytes) == item;
      for (std::uint64_t more = numbers.Next(1); more > 0 && !numbers.ended(); --more) {
        const std::uint64_t place = numbers.Next(place_bytes);
        // The highest bit says whether a reader must know the property.
        if (ours) places.push_back(place & (place_bytes == 2 ? 0x7FFF : 0x7F));
      }
    }
  }
  return places;
}

void Apply(const Box& property, HeifPrimary& primary) {
  Numbers numbers(property.body);
  if (property.type == "ispe") {
    numbers.Next(4);  // version and flags
    primary.width = static_cast<std::int64_t>(numbers.Next(4));
    primary.height = static_cast<std::int64_t>(numbers.Next(4));
  } else if (property.type == "irot") {
    const int turn = HeifTurn(static_cast<int>(numbers.Next(1)));
    primary.orientation = Composed(primary.orientation, turn);
  } else if (property.type == "imir") {
    const int mirror = HeifMirror(static_cast<int>(numbers.Next(1)));
    primary.orientation = Composed(primary.orientation, mirror);
  } else if (property.type == "clap") {
    primary.cropped = true;
  }
}

}  // namespace

int HeifTurn(int quarters) {
  constexpr int kTurns[4] = {1, 8, 3, 6};
  return kTurns[quarters & 3];
}

int HeifMirror(int axis) { return (axis & 1) == 0 ? 4 : 2; }

HeifPrimary ReadHeifPrimary(FileBytes file) {
  HeifPrimary primary;
  FileBytes meta = Find(file, "meta");
  constexpr std::size_t kVersionBytes = 4;
  if (meta.size() < kVersionBytes) return primary;
  meta = meta.subspan(kVersionBytes);
  Numbers pitm(Find(meta, "pitm"));
  const std::uint64_t version = pitm.Next(4) >> 24;
  const std::uint64_t item = pitm.Next(version == 0 ? 2 : 4);
  const FileBytes iprp = Find(meta, "iprp");
  if (pitm.ended() || iprp.empty()) return primary;

  std::vector<Box> properties;
  for (FileBytes ipco = Find(iprp, "ipco"); const auto box = TakeBox(ipco);) {
    properties.push_back(*box);
  }
  for (const std::size_t place : PropertiesOf(item, iprp)) {
    if (place >= 1 && place <= properties.size()) Apply(properties[place - 1], primary);
  }
  return primary;
}

}  // namespace millrace
