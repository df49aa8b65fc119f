#include "common/image/tiff_directory.h"

#include <algorithm>
#include <limits>

namespace millrace {
namespace {

std::uint64_t ReadNumber(FileBytes file, std::size_t offset, std::size_t size, bool big_endian) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t at = offset + (big_endian ? i : size - 1 - i);
    value = value << 8 | std::to_integer<std::uint64_t>(file[at]);
  }
  return value;
}

bool Within(FileBytes file, std::uint64_t offset, std::uint64_t size) {
  return offset <= file.size() && file.size() - offset >= size;
}

// Bytes of one value of a type; 0 for types that Pillow does not know.
std::size_t SizeOfType(std::uint16_t type) {
  static constexpr std::size_t kSizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8};
  return type < std::size(kSizes) ? kSizes[type] : 0;
}

// Types whose values are whole numbers: SHORT, LONG, the signed ones (of which none is negative
// where it matters), IFD, LONG8.
bool IsNumber(std::uint16_t type) {
  return type == 3 || type == 4 || type == 6 || type == 8 || type == 9 || type == 13 || type == 16;
}

// Without these nobody can tell the pixels: their depth, their colours, where they are.
bool SaysWherePixelsAre(std::uint16_t tag) {
  static constexpr TiffTag kTags[] = {TiffTag::kBitsPerSample, TiffTag::kStripOffsets,
                                      TiffTag::kColorMap,      TiffTag::kTileOffsets,
                                      TiffTag::kExtraSamples,  TiffTag::kSampleFormat};
  return std::any_of(std::begin(kTags), std::end(kTags),
                     [&](TiffTag needed) { return static_cast<std::uint16_t>(needed) == tag; });
}

}  // namespace

std::optional<TiffHeader> ReadTiffHeader(FileBytes file) {
  if (file.size() < 8) return std::nullopt;
  TiffHeader header;
  header.big_endian = file[0] == std::byte{'M'};
  if (file[0] != file[1] || (!header.big_endian && file[0] != std::byte{'I'})) return std::nullopt;
  const std::uint64_t version = ReadNumber(file, 2, 2, header.big_endian);
  if (version != 42 && version != 43) return std::nullopt;
  header.big_tiff = version == 43;
  if (header.big_tiff && file.size() < 16) return std::nullopt;
  header.first = header.big_tiff ? ReadNumber(file, 8, 8, header.big_endian)
                                 : ReadNumber(file, 4, 4, header.big_endian);
  return header;
}

std::optional<TiffDirectory> TiffDirectory::Read(FileBytes file, const TiffHeader& header,
                                                 std::uint64_t offset) {
  const std::size_t number_size = header.big_tiff ? 8 : 4;  // of a count, an offset
  const std::size_t count_size = header.big_tiff ? 8 : 2;
  const std::size_t entry_size = 4 + 2 * number_size;
  if (!Within(file, offset, count_size)) return std::nullopt;
  TiffDirectory directory(file, header.big_endian);
  directory.offset_ = offset;
  auto at = static_cast<std::size_t>(offset);
  const std::uint64_t count = ReadNumber(file, at, count_size, header.big_endian);
  at += count_size;
  std::uint16_t outside = 0;     // the first such field
  bool broken = false;           // a field points behind the file's end: Pillow reads none after it
  std::uint64_t data_bytes = 0;  // that fields point at; Pillow skips those beyond the file's size
  std::uint64_t read = 0;
  for (; read < count && Within(file, at, entry_size); ++read, at += entry_size) {
    Field field;
    field.tag = static_cast<std::uint16_t>(ReadNumber(file, at, 2, header.big_endian));
    field.type = static_cast<std::uint16_t>(ReadNumber(file, at + 2, 2, header.big_endian));
    const std::uint64_t values = ReadNumber(file, at + 4, number_size, header.big_endian);
    const std::size_t size = SizeOfType(field.type);
    if (size == 0 || values == 0) continue;
    const std::uint64_t bytes =
        values > file.size() / size ? std::uint64_t{file.size()} + 1 : values * size;
    if (bytes > number_size) {
      // One that is over the limit counts against those behind it too.
      data_bytes = std::min(data_bytes + bytes, std::uint64_t{file.size()} + 1);
      if (data_bytes > file.size()) {
        directory.skipped_.push_back(field.tag);
        continue;
      }
    }
    field.count = static_cast<std::size_t>(values);
    field.data = at + 4 + number_size;
    if (bytes > number_size) {
      const std::uint64_t to = ReadNumber(file, field.data, number_size, header.big_endian);
      if (!broken && !Within(file, to, bytes)) {
        broken = true;
        outside = field.tag;
      }
      field.data = static_cast<std::size_t>(to);
      directory.end_ = std::max(directory.end_, to + bytes);
    }
    if (!broken) directory.fields_.push_back(field);
  }
  std::stable_sort(directory.fields_.begin(), directory.fields_.end(),
                   [](const Field& a, const Field& b) { return a.tag < b.tag; });
  directory.end_ = std::max<std::uint64_t>(directory.end_, std::min(at + number_size, file.size()));
  if (read == count && Within(file, at, number_size)) {
    directory.complete_ = !broken;
    directory.ends_early_ = broken && SaysWherePixelsAre(outside);
    directory.next_ = ReadNumber(file, at, number_size, header.big_endian);
  }
  return directory;
}

const TiffDirectory::Field* TiffDirectory::Find(TiffTag tag) const {
  const auto wanted = static_cast<std::uint16_t>(tag);
  const auto found =
      std::lower_bound(fields_.begin(), fields_.end(), wanted,
                       [](const Field& field, std::uint16_t value) { return field.tag < value; });
  return found == fields_.end() || found->tag != wanted ? nullptr : &*found;
}

bool TiffDirectory::Has(TiffTag tag) const {
  const Field* field = Find(tag);
  return field != nullptr && IsNumber(field->type);
}

bool TiffDirectory::WasSkipped(TiffTag tag) const {
  return std::find(skipped_.begin(), skipped_.end(), static_cast<std::uint16_t>(tag)) !=
         skipped_.end();
}

bool TiffDirectory::IsOdd(TiffTag tag) const {
  const Field* field = Find(tag);
  return field != nullptr && !IsNumber(field->type);
}

std::uint64_t TiffDirectory::Value(const Field& field, std::size_t index) const {
  const std::size_t size = SizeOfType(field.type);
  return ReadNumber(file_, field.data + index * size, size, big_endian_);
}

std::optional<std::uint64_t> TiffDirectory::Number(TiffTag tag) const {
  if (!Has(tag)) return std::nullopt;
  return Value(*Find(tag), 0);
}

std::vector<std::uint64_t> TiffDirectory::Numbers(TiffTag tag) const {
  if (!Has(tag)) return {};
  const Field* field = Find(tag);
  std::vector<std::uint64_t> numbers(field->count);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = Value(*field, i);
  return numbers;
}

FileBytes TiffDirectory::Bytes(TiffTag tag) const {
  constexpr std::uint16_t kByte = 1;
  constexpr std::uint16_t kUndefined = 7;
  const Field* field = Find(tag);
  if (field == nullptr || (field->type != kByte && field->type != kUndefined)) return {};
  return file_.subspan(field->data, field->count);
}

std::string TiffDirectory::Text(TiffTag tag) const {
  constexpr std::uint16_t kAscii = 2;
  constexpr std::size_t kMost = 64;
  const Field* field = Find(tag);
  if (field == nullptr || field->type != kAscii) return "";
  std::string text(reinterpret_cast<const char*>(file_.data()) + field->data,
                   std::min(field->count, kMost));
  return text.substr(0, text.find('\0'));
}

int TiffDirectory::Orientation() const {
  const auto value = Number(TiffTag::kOrientation).value_or(1);
  return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
}

}  // namespace millrace
