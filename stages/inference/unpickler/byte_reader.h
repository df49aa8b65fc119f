// A cursor over bytes that never leaves them: every read either succeeds or says so.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace millrace {

static_assert(std::endian::native == std::endian::little, "weights are read as little-endian");

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::size_t position() const { return position_; }
  [[nodiscard]] std::size_t remaining() const { return bytes_.size() - position_; }

  // A little-endian number; nothing where the bytes end before it does.
  template <typename T>
  requires std::integral<T> || std::floating_point<T> std::optional<T> Number() {
    if (remaining() < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return value;
  }

  std::optional<std::span<const std::byte>> Bytes(std::uint64_t size) {
    if (size > remaining()) return std::nullopt;
    const auto bytes = bytes_.subspan(position_, static_cast<std::size_t>(size));
    position_ += bytes.size();
    return bytes;
  }

  std::optional<std::string_view> Text(std::uint64_t size) {
    const auto bytes = Bytes(size);
    if (!bytes) return std::nullopt;
    return std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  }

  // The text up to the next newline, which is consumed and not part of it.
  std::optional<std::string_view> Line() {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + position_,
                                remaining());
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    position_ += end + 1;
    return rest.substr(0, end);
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
};

}  // namespace millrace
