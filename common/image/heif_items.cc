#include "common/image/heif_items.h"

#include <algorithm>
#include <map>

#include "common/image/byte_order.h"

namespace millrace {
namespace {

// More are not looked at, so that a file's lists cost no more than its size allows; phones write
// about a hundred for the tiles of a photo.
constexpr std::size_t kMaxItems = 10'000;
constexpr std::size_t kMaxPieces = 100'000;     // of all items together
constexpr std::size_t kMaxProperties = 10'000;  // of the file
constexpr std::size_t kMaxOfItem = 64;          // properties of one item
constexpr std::size_t kVersionBytes = 4;        // version and flags

// The body of the first box of this type within `bytes`; empty where there is none.
FileBytes Find(FileBytes bytes, std::string_view type) {
  while (const auto box = TakeHeifBox(bytes)) {
    if (box->type == type) return box->body;
  }
  return {};
}

class Reader {
 public:
  explicit Reader(FileBytes file) : file_(file) {}

  HeifItems Read() {
    FileBytes meta = Find(file_, "meta");
    if (meta.size() < kVersionBytes) return {};
    meta = meta.subspan(kVersionBytes);
    ReadTypes(Find(meta, "iinf"));
    ReadPlaces(Find(meta, "iloc"), Find(meta, "idat"));
    ReadProperties(Find(meta, "iprp"));
    HeifItems items;
    HeifNumbers pitm(Find(meta, "pitm"));
    const std::uint64_t version = pitm.Next(kVersionBytes) >> 24;
    items.primary = pitm.Next(version == 0 ? 2 : 4);
    for (auto& [id, item] : items_) items.items.push_back(std::move(item));
    return items;
  }

 private:
  HeifItem* ItemOf(std::uint64_t id) {
    const auto found = items_.find(id);
    if (found != items_.end()) return &found->second;
    if (items_.size() >= kMaxItems) return nullptr;
    HeifItem& item = items_[id];
    item.id = id;
    return &item;
  }

  void ReadTypes(FileBytes iinf) {
    HeifNumbers head(iinf);
    const std::size_t count_bytes = head.Next(kVersionBytes) >> 24 == 0 ? 2 : 4;
    if (iinf.size() < kVersionBytes + count_bytes) return;
    FileBytes rest = iinf.subspan(kVersionBytes + count_bytes);
    while (const auto box = TakeHeifBox(rest)) {
      if (box->type != "infe") continue;
      HeifNumbers numbers(box->body);
      const std::uint64_t version = numbers.Next(kVersionBytes) >> 24;
      if (version < 2) continue;
      const std::size_t id_bytes = version == 2 ? 2 : 4;
      const std::uint64_t id = numbers.Next(id_bytes);
      const bool enciphered = numbers.Next(2) != 0;
      const std::size_t type_at = kVersionBytes + id_bytes + 2;
      if (enciphered || box->body.size() < type_at + 4) continue;
      if (HeifItem* item = ItemOf(id)) {
        item->type = {reinterpret_cast<const char*>(box->body.data()) + type_at, 4};
      }
    }
  }

  void ReadPlaces(FileBytes iloc, FileBytes idat) {
    HeifNumbers numbers(iloc);
    const std::uint64_t version = numbers.Next(kVersionBytes) >> 24;
    const std::uint64_t sizes = numbers.Next(2);
    const std::size_t offset_bytes = sizes >> 12 & 15;
    const std::size_t length_bytes = sizes >> 8 & 15;
    const std::size_t base_bytes = sizes >> 4 & 15;
    const std::size_t index_bytes = version > 0 ? sizes & 15 : 0;
    if (std::max({offset_bytes, length_bytes, base_bytes, index_bytes}) > 8) return;
    for (std::uint64_t left = numbers.Next(version < 2 ? 2 : 4); left > 0; --left) {
      const std::uint64_t id = numbers.Next(version < 2 ? 2 : 4);
      const std::uint64_t method = version > 0 ? numbers.Next(2) & 15 : 0;
      numbers.Next(2);  // which file; 0 is this one
      const std::uint64_t base = numbers.Next(base_bytes);
      std::vector<FileBytes> pieces;
      bool sound = method <= 1;
      for (std::uint64_t more = numbers.Next(2); more > 0 && !numbers.ended(); --more) {
        numbers.Next(index_bytes);
        const std::uint64_t offset = base + numbers.Next(offset_bytes);
        const std::uint64_t length = numbers.Next(length_bytes);
        const FileBytes in = method == 1 ? idat : file_;
        sound =
            sound && offset <= in.size() && length <= in.size() - offset && pieces_ < kMaxPieces;
        if (sound) {
          ++pieces_;
          pieces.push_back(
              in.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length)));
        }
      }
      if (numbers.ended()) return;
      HeifItem* item = ItemOf(id);
      if (item != nullptr && sound) item->data = std::move(pieces);
    }
  }

  void ReadProperties(FileBytes iprp) {
    std::vector<HeifBox> properties;
    FileBytes ipco = Find(iprp, "ipco");
    while (const auto box = TakeHeifBox(ipco)) {
      if (properties.size() == kMaxProperties) break;
      properties.push_back(*box);
    }
    while (const auto box = TakeHeifBox(iprp)) {
      if (box->type == "ipma") ReadAssociations(box->body, properties);
    }
  }

  // Which of the properties belong to which item, by their places in ipco, from 1 on.
  void ReadAssociations(FileBytes ipma, const std::vector<HeifBox>& properties) {
    HeifNumbers numbers(ipma);
    const std::uint64_t version_and_flags = numbers.Next(kVersionBytes);
    const std::size_t id_bytes = version_and_flags >> 24 == 0 ? 2 : 4;
    const std::size_t place_bytes = (version_and_flags & 1) != 0 ? 2 : 1;
    for (std::uint64_t left = numbers.Next(4); left > 0 && !numbers.ended(); --left) {
      HeifItem* item = ItemOf(numbers.Next(id_bytes));
      for (std::uint64_t more = numbers.Next(1); more > 0 && !numbers.ended(); --more) {
        // The highest bit says whether a reader must know the property.
        const std::uint64_t place = numbers.Next(place_bytes) & (place_bytes == 2 ? 0x7FFF : 0x7F);
        if (item != nullptr && place >= 1 && place <= properties.size() &&
            item->properties.size() < kMaxOfItem) {
          item->properties.push_back(properties[static_cast<std::size_t>(place) - 1]);
        }
      }
    }
  }

  FileBytes file_;
  std::map<std::uint64_t, HeifItem> items_;
  std::size_t pieces_ = 0;
};

}  // namespace

std::optional<HeifBox> TakeHeifBox(FileBytes& rest) {
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
  HeifBox box;
  box.type = {reinterpret_cast<const char*>(rest.data()) + 4, 4};
  box.body = rest.subspan(head, static_cast<std::size_t>(size) - head);
  rest = rest.subspan(static_cast<std::size_t>(size));
  return box;
}

std::uint64_t HeifNumbers::Next(std::size_t size) {
  if (bytes_.size() < size) {
    ended_ = true;
    return 0;
  }
  const std::uint64_t value = BigEndian(bytes_, 0, size);
  bytes_ = bytes_.subspan(size);
  return value;
}

const HeifBox* HeifItem::Property(std::string_view name) const {
  const auto found = std::find_if(properties.begin(), properties.end(),
                                  [&](const HeifBox& box) { return box.type == name; });
  return found == properties.end() ? nullptr : &*found;
}

const HeifItem* HeifItems::Find(std::uint64_t id) const {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const HeifItem& item) { return item.id == id; });
  return found == items.end() ? nullptr : &*found;
}

HeifItems ReadHeifItems(FileBytes file) { return Reader(file).Read(); }

}  // namespace millrace
