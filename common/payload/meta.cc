#include "common/payload/meta.h"

#include <msgpack.hpp>

#include "common/payload/float64.h"

namespace millrace {
namespace {

constexpr std::size_t kMaxMetaEntries = 256;

template <typename T>
T ValueOr(const std::map<std::string, MetaValue, std::less<>>& values, std::string_view name,
          T otherwise) {
  const auto found = values.find(name);
  if (found == values.end()) return otherwise;
  const T* value = std::get_if<T>(&found->second);
  return value != nullptr ? *value : otherwise;
}

Result<MetaValue> ValueOf(const msgpack::object& object) {
  switch (object.type) {
    case msgpack::type::BOOLEAN:
      return object.via.boolean;
    case msgpack::type::POSITIVE_INTEGER:
      if (object.via.u64 > static_cast<std::uint64_t>(INT64_MAX)) break;
      return static_cast<std::int64_t>(object.via.u64);
    case msgpack::type::NEGATIVE_INTEGER:
      return object.via.i64;
    case msgpack::type::FLOAT32:
    case msgpack::type::FLOAT64:
      return object.via.f64;
    case msgpack::type::STR:
      return std::string(object.via.str.ptr, object.via.str.size);
    case msgpack::type::BIN:
      return std::string(object.via.bin.ptr, object.via.bin.size);
    default:
      break;
  }
  return Fail(ErrorCode::kProtocol, "meta holds a value that is no bool, integer, number or text");
}

}  // namespace

bool Meta::Bool(std::string_view name, bool otherwise) const {
  return ValueOr<bool>(values_, name, otherwise);
}
std::int64_t Meta::Integer(std::string_view name, std::int64_t otherwise) const {
  return ValueOr<std::int64_t>(values_, name, otherwise);
}
std::string Meta::Text(std::string_view name, std::string otherwise) const {
  return ValueOr<std::string>(values_, name, std::move(otherwise));
}

std::string Meta::Encode() const {
  if (values_.empty()) return "";
  msgpack::sbuffer buffer;
  msgpack::packer packer(buffer);
  packer.pack_map(static_cast<std::uint32_t>(values_.size()));
  for (const auto& [name, value] : values_) {
    packer.pack(name);
    // Texts may be paths, which are bytes: they travel as bin, which every reader gives unchanged.
    if (const auto* text = std::get_if<std::string>(&value)) {
      packer.pack_bin(static_cast<std::uint32_t>(text->size()));
      packer.pack_bin_body(text->data(), static_cast<std::uint32_t>(text->size()));
    } else if (const auto* number = std::get_if<double>(&value)) {
      PackFloat64(buffer, *number);
    } else {
      std::visit([&](const auto& plain) { packer.pack(plain); }, value);
    }
  }
  return {buffer.data(), buffer.size()};
}

Result<Meta> Meta::Decode(std::string_view bytes) {
  Meta meta;
  if (bytes.empty()) return meta;
  if (bytes.size() > kMaxMetaBytes) return Fail(ErrorCode::kProtocol, "meta is over its size cap");
  try {
    const msgpack::unpack_limit limit(/*array=*/0, /*map=*/kMaxMetaEntries, kMaxMetaBytes,
                                      kMaxMetaBytes, /*ext=*/0, /*depth=*/2);
    const msgpack::object_handle handle = msgpack::unpack(
        bytes.data(), bytes.size(),
        [](msgpack::type::object_type, std::size_t, void*) { return true; }, nullptr, limit);
    const msgpack::object& root = handle.get();
    if (root.type != msgpack::type::MAP) return Fail(ErrorCode::kProtocol, "meta is no map");
    for (std::uint32_t i = 0; i < root.via.map.size; ++i) {
      const msgpack::object_kv& entry = root.via.map.ptr[i];
      if (entry.key.type != msgpack::type::STR) {
        return Fail(ErrorCode::kProtocol, "meta has a key that is no text");
      }
      ASSIGN_OR_RETURN(MetaValue value, ValueOf(entry.val));
      meta.Set(std::string(entry.key.via.str.ptr, entry.key.via.str.size), std::move(value));
    }
  } catch (const msgpack::unpack_error& error) {
    return Fail(ErrorCode::kProtocol, std::string("meta is not msgpack: ") + error.what());
  }
  return meta;
}

}  // namespace millrace
