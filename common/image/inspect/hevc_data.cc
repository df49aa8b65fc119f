#include "common/image/inspect/hevc_data.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "common/image/byte_order.h"
#include "common/image/heif_items.h"

namespace millrace {
namespace {

// Bytes of the length before each NAL unit, from hvcC (ISO/IEC 14496-15, 8.3.3.1); 0: unknown.
std::size_t LengthBytes(const HeifItem& item) {
  constexpr std::size_t kAt = 21;
  const HeifBox* configuration = item.Property("hvcC");
  if (configuration == nullptr || configuration->body.size() <= kAt) return 0;
  return (std::to_integer<std::size_t>(configuration->body[kAt]) & 3) + 1;
}

bool IsSliceData(FileBytes nal_unit) {
  constexpr unsigned kLastSliceType = 31;
  return nal_unit.size() > 2 &&
         (std::to_integer<unsigned>(nal_unit[0]) >> 1 & 0x3F) <= kLastSliceType;
}

// In `data`, of one item.
std::optional<std::size_t> FindIn(FileBytes data, std::size_t length_bytes) {
  std::size_t at = 0;
  while (data.size() - at > length_bytes) {
    const std::uint64_t length = BigEndian(data, at, length_bytes);
    at += length_bytes;
    if (length > data.size() - at) break;  // it is cut, which is another matter
    const FileBytes nal_unit = data.subspan(at, static_cast<std::size_t>(length));
    if (IsSliceData(nal_unit)) {
      if (const auto found = FindForbiddenZeros(nal_unit)) return at + *found;
    }
    at += static_cast<std::size_t>(length);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::size_t> FindForbiddenZeros(FileBytes nal_unit) {
  std::size_t end = nal_unit.size();
  while (end > 0 && nal_unit[end - 1] == std::byte{0}) --end;
  const std::byte* const begin = nal_unit.data();
  for (std::size_t at = 0; at + 2 < end; ++at) {
    const void* zero = std::memchr(begin + at, 0, end - at);
    if (zero == nullptr) break;
    at = static_cast<std::size_t>(static_cast<const std::byte*>(zero) - begin);
    if (at + 2 < end && begin[at + 1] == std::byte{0} && begin[at + 2] <= std::byte{2}) return at;
  }
  return std::nullopt;
}

std::optional<Finding> CheckHevcData(FileBytes file) {
  // Items may share their data: what is more than the file twice over is not looked at.
  std::size_t budget = 2 * file.size();
  for (const HeifItem& item : ReadHeifItems(file).items) {
    if (item.type != "hvc1" && item.type != "hev1") continue;
    const std::size_t length_bytes = LengthBytes(item);
    std::size_t bytes = 0;
    for (const FileBytes piece : item.data) bytes += piece.size();
    if (length_bytes == 0 || bytes > budget) continue;
    budget -= bytes;
    std::optional<std::size_t> found;
    std::optional<std::int64_t> offset;
    if (item.data.size() == 1) {
      found = FindIn(item.data[0], length_bytes);
      if (found) offset = item.data[0].data() + *found - file.data();
    } else {
      std::vector<std::byte> joined;
      for (const FileBytes piece : item.data) {
        joined.insert(joined.end(), piece.begin(), piece.end());
      }
      found = FindIn(joined, length_bytes);
    }
    if (!found) continue;
    return Finding{
        ErrorCode::kCorrupt,
        "its HEVC data has zeros in a row that no such data can have: some of it is lost",
        offset,
        {}};
  }
  return std::nullopt;
}

}  // namespace millrace
