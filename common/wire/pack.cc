#include "common/wire/pack.h"

#include <algorithm>
#include <exception>
#include <limits>

#include "common/payload/float64.h"

namespace millrace::wire {

Packer& Packer::Map(std::size_t entries) {
  packer_.pack_map(static_cast<std::uint32_t>(entries));
  return *this;
}
Packer& Packer::Array(std::size_t entries) {
  packer_.pack_array(static_cast<std::uint32_t>(entries));
  return *this;
}
Packer& Packer::Text(std::string_view text) {
  packer_.pack_str(static_cast<std::uint32_t>(text.size()));
  packer_.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
  return *this;
}
Packer& Packer::Bytes(std::string_view bytes) {
  packer_.pack_bin(static_cast<std::uint32_t>(bytes.size()));
  packer_.pack_bin_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  return *this;
}
Packer& Packer::Integer(std::int64_t value) {
  packer_.pack_int64(value);
  return *this;
}
Packer& Packer::Unsigned(std::uint64_t value) {
  packer_.pack_uint64(value);
  return *this;
}
Packer& Packer::Number(double value) {
  PackFloat64(buffer_, value);
  return *this;
}
Packer& Packer::Bool(bool value) {
  packer_.pack(value);
  return *this;
}
Packer& Packer::Nil() {
  packer_.pack_nil();
  return *this;
}
Packer& Packer::Begin(std::string_view type, const Link& link, std::size_t more) {
  Map(3 + more).Key("t").Text(type);
  Key("epoch").Unsigned(link.epoch.value());
  return Key("inc").Unsigned(link.incarnation.value());
}
Packer& Packer::LeaseEntry(const Lease& lease) {
  return Array(2).Unsigned(lease.job.value()).Unsigned(lease.delivery.value());
}
Packer& Packer::Leases(const std::vector<Lease>& leases) {
  Array(leases.size());
  for (const Lease& lease : leases) LeaseEntry(lease);
  return *this;
}
Packer& Packer::Parts(const Payload& payload, Frames& frames) {
  Array(payload.size());
  for (const Part& part : payload) {
    Map(3).Key("name").Text(part.name).Key("dtype").Text(DTypeName(part.dtype));
    Key("shape").Array(part.shape.size());
    for (const std::int64_t extent : part.shape) Integer(extent);
    frames.push_back(part.data);
  }
  return *this;
}
Buffer Packer::Finish() { return Buffer::Copy({buffer_.data(), buffer_.size()}); }

Reader::Reader(const msgpack::object& map, std::span<const Buffer>& frames, Error& error,
               bool& failed)
    : map_(map), frames_(frames), error_(error), failed_(failed) {}

const msgpack::object* Reader::Find(std::string_view name) const {
  for (std::uint32_t i = 0; i < map_.via.map.size; ++i) {
    const msgpack::object_kv& entry = map_.via.map.ptr[i];
    if (entry.key.type == msgpack::type::STR &&
        std::string_view(entry.key.via.str.ptr, entry.key.via.str.size) == name) {
      return &entry.val;
    }
  }
  return nullptr;
}

bool Reader::Has(std::string_view name) const {
  const msgpack::object* found = Find(name);
  return found != nullptr && found->type != msgpack::type::NIL;
}

void Reader::Refuse(std::string_view name, std::string_view why) {
  if (failed_) return;
  failed_ = true;
  error_.message = "field '" + std::string(name) + "' " + std::string(why);
}

const msgpack::object* Reader::Field(std::string_view name, msgpack::type::object_type type) {
  if (failed_) return nullptr;
  const msgpack::object* found = Find(name);
  if (found == nullptr) {
    Refuse(name, "is missing");
    return nullptr;
  }
  if (found->type != type) {
    Refuse(name, "has the wrong type");
    return nullptr;
  }
  return found;
}

std::string Reader::Text(std::string_view name) {
  const msgpack::object* found = failed_ ? nullptr : Find(name);
  if (found != nullptr && found->type == msgpack::type::BIN) {
    return {found->via.bin.ptr, found->via.bin.size};
  }
  found = Field(name, msgpack::type::STR);
  return found == nullptr ? std::string() : std::string(found->via.str.ptr, found->via.str.size);
}

std::string Reader::TextOr(std::string_view name, std::string otherwise) {
  return Has(name) ? Text(name) : std::move(otherwise);
}

std::uint64_t Reader::Unsigned(std::string_view name) {
  const msgpack::object* found = Field(name, msgpack::type::POSITIVE_INTEGER);
  return found == nullptr ? 0 : found->via.u64;
}

std::uint64_t Reader::UnsignedOr(std::string_view name, std::uint64_t otherwise) {
  return Has(name) ? Unsigned(name) : otherwise;
}

std::int64_t Reader::Integer(std::string_view name) {
  const msgpack::object* found = failed_ ? nullptr : Find(name);
  if (found != nullptr && found->type == msgpack::type::NEGATIVE_INTEGER) return found->via.i64;
  const std::uint64_t value = Unsigned(name);
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    Refuse(name, "is too large");
    return 0;
  }
  return static_cast<std::int64_t>(value);
}

std::int64_t Reader::IntegerOr(std::string_view name, std::int64_t otherwise) {
  return Has(name) ? Integer(name) : otherwise;
}

double Reader::Number(std::string_view name) {
  const msgpack::object* found = failed_ ? nullptr : Find(name);
  if (found != nullptr &&
      (found->type == msgpack::type::FLOAT64 || found->type == msgpack::type::FLOAT32)) {
    return found->via.f64;
  }
  return static_cast<double>(Integer(name));
}

bool Reader::Bool(std::string_view name) {
  const msgpack::object* found = Field(name, msgpack::type::BOOLEAN);
  return found != nullptr && found->via.boolean;
}

bool Reader::BoolOr(std::string_view name, bool otherwise) {
  return Has(name) ? Bool(name) : otherwise;
}

Link Reader::LinkFields() {
  Link link;
  Read("epoch", link.epoch);
  Read("inc", link.incarnation);
  return link;
}

Lease Reader::LeaseFields() {
  Lease lease;
  Read("job", lease.job);
  Read("delivery", lease.delivery);
  return lease;
}

std::vector<Lease> Reader::Leases(std::string_view name) {
  std::vector<Lease> leases;
  const msgpack::object* array = Field(name, msgpack::type::ARRAY);
  if (array == nullptr) return leases;
  leases.reserve(array->via.array.size);
  for (std::uint32_t i = 0; i < array->via.array.size; ++i) {
    const msgpack::object& pair = array->via.array.ptr[i];
    if (pair.type != msgpack::type::ARRAY || pair.via.array.size != 2 ||
        pair.via.array.ptr[0].type != msgpack::type::POSITIVE_INTEGER ||
        pair.via.array.ptr[1].type != msgpack::type::POSITIVE_INTEGER) {
      Refuse(name, "holds something that is no [job, delivery]");
      return {};
    }
    leases.push_back(
        {JobId(pair.via.array.ptr[0].via.u64), Delivery(pair.via.array.ptr[1].via.u64)});
  }
  return leases;
}

std::vector<std::string> Reader::Texts(std::string_view name) {
  std::vector<std::string> texts;
  const msgpack::object* array = Field(name, msgpack::type::ARRAY);
  if (array == nullptr) return texts;
  for (std::uint32_t i = 0; i < array->via.array.size; ++i) {
    const msgpack::object& entry = array->via.array.ptr[i];
    if (entry.type == msgpack::type::STR) {
      texts.emplace_back(entry.via.str.ptr, entry.via.str.size);
    } else if (entry.type == msgpack::type::BIN) {
      texts.emplace_back(entry.via.bin.ptr, entry.via.bin.size);
    } else {
      Refuse(name, "holds something that is no text");
      return {};
    }
  }
  return texts;
}

Payload Reader::Parts(std::string_view name) {
  Payload payload;
  Each(name, [&](Reader& entry) {
    if (payload.size() == kMaxParts) return entry.Refuse("parts", "are too many");
    Part part;
    part.name = entry.Text("name");
    const std::string dtype_name = entry.Text("dtype");
    const msgpack::object* shape = entry.Field("shape", msgpack::type::ARRAY);
    if (shape == nullptr) return;
    const Result<DType> dtype = DTypeFromName(dtype_name);
    if (!dtype) return entry.Refuse("dtype", "is unknown");
    part.dtype = *dtype;
    if (shape->via.array.size > kMaxPartDimensions) {
      return entry.Refuse("shape", "has too many dimensions");
    }
    for (std::uint32_t i = 0; i < shape->via.array.size; ++i) {
      const msgpack::object& extent = shape->via.array.ptr[i];
      if (extent.type != msgpack::type::POSITIVE_INTEGER ||
          extent.via.u64 > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return entry.Refuse("shape", "has a dimension that is no size");
      }
      part.shape.push_back(static_cast<std::int64_t>(extent.via.u64));
    }
    if (frames_.empty()) return entry.Refuse("parts", "name more frames than came");
    part.data = frames_.front();
    frames_ = frames_.subspan(1);
    if (const Result<void> checked = CheckPart(part); !checked) {
      return entry.Refuse("shape", "contradicts its frame: " + checked.error().message);
    }
    payload.push_back(std::move(part));
  });
  return payload;
}

Result<Head> Head::Parse(std::span<const Buffer> frames) {
  if (frames.empty()) return Fail(ErrorCode::kProtocol, "a message without frames");
  const Buffer& bytes = frames.front();
  if (bytes.size() > kMaxHeadBytes) {
    return Fail(ErrorCode::kProtocol, "a head of " + std::to_string(bytes.size()) + " bytes");
  }
  Head head;
  try {
    const std::string_view text = bytes.text();
    // msgpack takes an array's memory on the word of its header: one of more entries than the head
    // has bytes is refused there. Depth 8: the deepest head is
    // map > results > map > found > map > fail > map.
    const msgpack::unpack_limit limit(std::min(kMaxArrayEntries, text.size()), /*map=*/64,
                                      kMaxHeadBytes, kMaxHeadBytes, /*ext=*/0, /*depth=*/8);
    std::size_t offset = 0;
    head.handle_ = msgpack::unpack(
        text.data(), text.size(), offset,
        [](msgpack::type::object_type, std::size_t, void*) { return true; }, nullptr, limit);
    if (offset != text.size()) {
      return Fail(ErrorCode::kProtocol, "a head with bytes after its map");
    }
  } catch (const std::exception& error) {  // msgpack::unpack_error, std::bad_alloc
    return Fail(ErrorCode::kProtocol, std::string("a head that is not msgpack: ") + error.what());
  }
  if (head.map().type != msgpack::type::MAP) {
    return Fail(ErrorCode::kProtocol, "a head that is no map");
  }
  return head;
}

}  // namespace millrace::wire
