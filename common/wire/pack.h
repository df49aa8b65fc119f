// The msgpack side of the codec: writing a head field by field, and reading one without trusting
// it. Private to common/wire.
#pragma once

#include <concepts>
#include <cstdint>
#include <msgpack.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/payload/payload.h"
#include "common/wire/codec.h"
#include "common/wire/messages.h"

namespace millrace::wire {

// Writes msgpack. A map is begun with the number of its entries, as msgpack demands.
class Packer {
 public:
  Packer& Map(std::size_t entries);
  Packer& Array(std::size_t entries);
  Packer& Key(std::string_view name) { return Text(name); }
  Packer& Text(std::string_view text);    // str: UTF-8
  Packer& Bytes(std::string_view bytes);  // bin: anything, such as a file name
  Packer& Integer(std::int64_t value);
  Packer& Unsigned(std::uint64_t value);
  Packer& Number(double value);
  Packer& Bool(bool value);
  Packer& Nil();
  // A map's "t", "epoch" and "inc", with `more` entries of the message's own to follow.
  Packer& Begin(std::string_view type, const Link& link, std::size_t more);
  Packer& LeaseEntry(const Lease& lease);  // [job, delivery]
  Packer& Leases(const std::vector<Lease>& leases);
  // {"name", "dtype", "shape"} of each part; their data goes to `frames`, in order.
  Packer& Parts(const Payload& payload, Frames& frames);

  [[nodiscard]] Buffer Finish();

 private:
  msgpack::sbuffer buffer_;
  msgpack::packer<msgpack::sbuffer> packer_{buffer_};
};

// Reads one map. The first field that is missing or of a wrong type is remembered; later reads give
// empty values; the caller asks `error` once, at the end.
class Reader {
 public:
  // `frames` are the raw frames not yet taken by a part; shared by nested readers.
  Reader(const msgpack::object& map, std::span<const Buffer>& frames, Error& error, bool& failed);

  [[nodiscard]] bool Has(std::string_view name) const;

  std::string Text(std::string_view name);  // str or bin
  std::string TextOr(std::string_view name, std::string otherwise);
  std::int64_t Integer(std::string_view name);
  std::int64_t IntegerOr(std::string_view name, std::int64_t otherwise);
  std::uint64_t Unsigned(std::string_view name);
  std::uint64_t UnsignedOr(std::string_view name, std::uint64_t otherwise);
  double Number(std::string_view name);
  bool Bool(std::string_view name);
  bool BoolOr(std::string_view name, bool otherwise);
  template <typename Tag>
  void Read(std::string_view name, Id<Tag>& id) {
    id = Id<Tag>(Unsigned(name));
  }
  Link LinkFields();    // "epoch" and "inc"
  Lease LeaseFields();  // "job" and "delivery"
  std::vector<Lease> Leases(std::string_view name);
  std::vector<std::string> Texts(std::string_view name);
  // Takes the parts' frames; checks each part's shape against its bytes.
  Payload Parts(std::string_view name);

  // read(Reader&) for each map of an array.
  template <std::invocable<Reader&> Read>
  void Each(std::string_view name, Read read) {
    const msgpack::object* array = Field(name, msgpack::type::ARRAY);
    if (array == nullptr) return;
    for (std::uint32_t i = 0; i < array->via.array.size && !failed_; ++i) {
      const msgpack::object& entry = array->via.array.ptr[i];
      if (entry.type != msgpack::type::MAP) return Refuse(name, "holds something that is no map");
      Reader reader(entry, frames_, error_, failed_);
      read(reader);
    }
  }
  // read(Reader&) for a field that is a map.
  template <std::invocable<Reader&> Read>
  void Nested(std::string_view name, Read read) {
    const msgpack::object* map = Field(name, msgpack::type::MAP);
    if (map == nullptr) return;
    Reader reader(*map, frames_, error_, failed_);
    read(reader);
  }

  void Refuse(std::string_view name, std::string_view why);
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  [[nodiscard]] const msgpack::object* Find(std::string_view name) const;
  const msgpack::object* Field(std::string_view name, msgpack::type::object_type type);

  const msgpack::object& map_;
  std::span<const Buffer>& frames_;
  Error& error_;
  bool& failed_;
};

// A head unpacked in place: strings refer to the frame's bytes.
class Head {
 public:
  static Result<Head> Parse(std::span<const Buffer> frames);
  [[nodiscard]] const msgpack::object& map() const { return handle_.get(); }

 private:
  msgpack::object_handle handle_;
};

// Decodes a head with `read(type, reader)`, which gives std::optional<Message>: nullopt for a type
// it does not know. Refuses raw frames that no part claimed.
template <typename Message, typename Read>
Result<Message> Decode(std::span<const Buffer> frames, Read read) {
  ASSIGN_OR_RETURN(const Head head, Head::Parse(frames));
  std::span<const Buffer> rest = frames.subspan(1);
  Error error{ErrorCode::kProtocol, ""};
  bool failed = false;
  Reader reader(head.map(), rest, error, failed);
  const std::string type = reader.Text("t");
  std::optional<Message> message;
  if (!failed) message = read(type, reader);
  if (failed) return Fail(error.WithContext("message '" + type.substr(0, 32) + "'"));
  if (!message) {
    return Fail(ErrorCode::kProtocol, "unknown message type '" + type.substr(0, 32) + "'");
  }
  if (!rest.empty()) {
    return Fail(ErrorCode::kProtocol, "message '" + type + "' has frames that no part names");
  }
  return std::move(*message);
}

template <typename... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
// C++20 deduces this by itself; Clang before 17 does not.
template <typename... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

}  // namespace millrace::wire
