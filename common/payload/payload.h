// What travels between stages beside an item's path: named, typed arrays of bytes, and a small map.
//
// The runtime and the broker move these without looking inside; only a stage knows that the part
// named "image" is a picture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace millrace {

// Immutable bytes with shared ownership: copying a Buffer copies a pointer, so that the broker can
// keep a payload while a copy of it is on its way to a worker.
class Buffer {
 public:
  Buffer() = default;

  // Takes over a container's bytes (std::vector<std::uint8_t>, std::string, ...) without copying.
  template <typename Container>
  static Buffer Own(Container container) {
    auto owner = std::make_shared<const Container>(std::move(container));
    const auto bytes = std::as_bytes(std::span(owner->data(), owner->size()));
    return Buffer(std::shared_ptr<const std::byte>(owner, bytes.data()), bytes.size());
  }

  // Refers to bytes that live as long as `owner`.
  static Buffer Share(std::shared_ptr<const void> owner, const void* data, std::size_t size) {
    return Buffer(
        std::shared_ptr<const std::byte>(std::move(owner), static_cast<const std::byte*>(data)),
        size);
  }

  static Buffer Copy(std::string_view bytes) { return Own(std::string(bytes)); }

  [[nodiscard]] const std::byte* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_.get(), size_}; }
  [[nodiscard]] std::string_view text() const {
    return {reinterpret_cast<const char*>(data_.get()), size_};
  }
  // The owner of the bytes, for handing them to a library that frees by callback.
  [[nodiscard]] const std::shared_ptr<const std::byte>& owner() const { return data_; }

 private:
  Buffer(std::shared_ptr<const std::byte> data, std::size_t size)
      : data_(std::move(data)), size_(size) {}

  std::shared_ptr<const std::byte> data_;
  std::size_t size_ = 0;
};

// Element types. The names are those on the wire.
enum class DType : std::uint8_t { kUInt8, kInt32, kInt64, kFloat32 };

std::string_view DTypeName(DType dtype);  // "uint8", "int32", "int64", "float32"
Result<DType> DTypeFromName(std::string_view name);
std::size_t DTypeSize(DType dtype);  // bytes an element

// One array. Invariant, checked by CheckPart and by the wire's decoder:
// data.size() == DTypeSize(dtype) * product(shape); at most 8 dimensions, none negative.
struct Part {
  std::string name;  // "image", "labels", ...
  DType dtype = DType::kUInt8;
  std::vector<std::int64_t> shape;  // row-major, e.g. {height, width, 3}
  Buffer data;
};

using Payload = std::vector<Part>;

inline constexpr std::size_t kMaxPartDimensions = 8;

// kProtocol where the part's shape and size contradict each other.
Result<void> CheckPart(const Part& part);

// The part of that name; nullptr where there is none.
const Part* FindPart(const Payload& payload, std::string_view name);

std::size_t PayloadBytes(const Payload& payload);

}  // namespace millrace
