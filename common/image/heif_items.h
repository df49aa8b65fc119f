// A HEIF file's items: what each is, where its data lies and which properties it has (ISO/IEC
// 14496-12, 8.11; ISO/IEC 23008-12). Total.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/image/decoders.h"

namespace millrace {

struct HeifBox {
  std::string_view type;
  FileBytes body;  // behind its size and type
};

// Takes the first box from `rest`; nothing where it is not whole.
std::optional<HeifBox> TakeHeifBox(FileBytes& rest);

// Reads numbers, the highest byte first, from the front; 0 once the bytes are used up.
class HeifNumbers {
 public:
  explicit HeifNumbers(FileBytes bytes) : bytes_(bytes) {}

  std::uint64_t Next(std::size_t size);  // bytes, at most eight
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  FileBytes bytes_;
  bool ended_ = false;
};

struct HeifItem {
  std::uint64_t id = 0;
  std::string_view
      type;  // "hvc1", "av01", "grid", "Exif", ...; empty where it is not said, or enciphered
  std::vector<HeifBox> properties;  // in the order of the file
  std::vector<FileBytes> data;      // its pieces; empty where one does not lie within the file

  [[nodiscard]] const HeifBox* Property(std::string_view name) const;
};

struct HeifItems {
  std::uint64_t primary = 0;  // its id
  std::vector<HeifItem> items;

  [[nodiscard]] const HeifItem* Find(std::uint64_t id) const;
};

// Of a file without a sound "meta" box, none; what is beyond a fault in it is left out.
HeifItems ReadHeifItems(FileBytes file);

}  // namespace millrace
