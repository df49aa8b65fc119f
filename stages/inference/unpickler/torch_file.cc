// The layout of torch.save's files, and what the values of their pickles mean.
//
// zip:     ROOT/data.pkl, ROOT/data/KEY per storage, ROOT/byteorder (PyTorch >= 2.1)
// legacy:  four pickles (magic number, protocol 1001, system, the object), a fifth (the list of
//          storage keys), then for each key: int64 number of elements, elements
//
// (torch/serialization.py: _save, _legacy_save.)
#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "stages/inference/unpickler/byte_reader.h"
#include "stages/inference/unpickler/mapped_file.h"
#include "stages/inference/unpickler/pickle.h"
#include "stages/inference/unpickler/printable.h"
#include "stages/inference/unpickler/state_dict.h"
#include "stages/inference/unpickler/storages.h"
#include "stages/inference/unpickler/zip_reader.h"

namespace millrace {
namespace {

using Bytes = std::span<const std::byte>;
using Kind = PickleValue::Kind;

// 0x1950a86a20f9469cfc6c, torch.serialization.MAGIC_NUMBER, little-endian.
constexpr std::string_view kMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
constexpr std::int64_t kProtocol = 1001;

// The three pickles before the object are of less than a hundred bytes; what claims to be one of
// them may take the memory of as many bytes as this.
constexpr std::size_t kMaxHeaderPickleBytes = 4096;

// The largest networks have some thousands. Bounds the memory for shapes, which one tuple in the
// pickle may give to every tensor.
constexpr std::size_t kMaxTensors = 100'000;

std::string_view AsText(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool IsMagic(const PickleValue& value) {
  return value.kind == Kind::kBigInteger && value.text == kMagic;
}

Result<Pickle> ReadHeaderPickle(Bytes file) {
  return Pickle::Read(file.first(std::min(file.size(), kMaxHeaderPickleBytes)));
}

// A binary pickle by its first byte, one in letters (protocol 0) by how most begin and all end.
bool LooksLikePickle(Bytes file) {
  const std::string_view text = AsText(file);
  return text.starts_with("\x80") ||
         ((text.starts_with('c') || text.starts_with('(')) && text.ends_with('.'));
}

// What people hand over instead of weights, by its first bytes.
tl::unexpected<Error> NotWeights(Bytes file) {
  const std::string_view start = AsText(file.first(std::min<std::size_t>(file.size(), 512)));
  std::string what = "it is no file of torch.save";
  const auto first = start.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && start[first] == '<') {
    what += ", but a web page: the download did not give the file";
  } else if (start.starts_with("version https://git-lfs")) {
    what += ", but a Git LFS pointer: fetch the file itself with `git lfs pull`";
  } else if (start.size() > 8 && start[8] == '{') {
    what += ", but looks like safetensors: save it with torch.save in Python";
  } else if (LooksLikePickle(file)) {
    // What it would have Python call is worth more than its kind.
    const auto pickle = Pickle::Read(file);
    if (!pickle && pickle.error().code == ErrorCode::kUnsupportedFormat) {
      return Fail(pickle.error().WithContext(what + ", but a plain pickle"));
    }
    what += ", but a plain pickle: save model.state_dict() with torch.save";
  }
  return Fail(ErrorCode::kUnsupportedFormat, what);
}

// "archive/" of the entry archive/data.pkl; nothing where there is none.
std::optional<std::string> ZipRoot(const ZipReader& zip) {
  constexpr std::string_view kPickle = "data.pkl";
  for (const auto& [name, entry] : zip.entries()) {
    const auto slash = name.find('/');
    if (slash != std::string_view::npos && name.substr(slash + 1) == kPickle) {
      return std::string(name.substr(0, slash + 1));
    }
  }
  return std::nullopt;
}

Result<WeightsFormat> Detect(Bytes file) {
  if (!ZipReader::LooksLikeZip(file)) {
    const auto first = ReadHeaderPickle(file);
    if (!first || !IsMagic(first->root())) return NotWeights(file);
    return WeightsFormat::kLegacy;
  }
  ASSIGN_OR_RETURN(const ZipReader zip, ZipReader::Open(file));
  const auto root = ZipRoot(zip);
  if (!root) {
    return Fail(ErrorCode::kUnsupportedFormat, "a zip file, but not one that torch.save wrote");
  }
  // Both are in every TorchScript file, and neither in any other.
  if (zip.entries().contains(*root + "constants.pkl")) return WeightsFormat::kTorchScript;
  return WeightsFormat::kZip;
}

// The dict of the model among what the file holds.
Result<const PickleValue*> FindDict(const PickleValue& root) {
  for (const std::string_view key : {"state_dict", "model_state_dict"}) {
    const PickleValue* inner = root.Entry(key);
    if (inner != nullptr && inner->kind == Kind::kDict) return inner;
  }
  if (root.kind != Kind::kDict) {
    return Fail(ErrorCode::kUnsupportedFormat,
                "it holds " + std::string(KindText(root.kind)) +
                    ", not a state dict: save model.state_dict() with torch.save");
  }
  return &root;
}

Result<StateDict> Collect(const PickleValue& root, Storages& storages) {
  constexpr std::string_view kPrefix = "module.";  // of torch.nn.DataParallel
  ASSIGN_OR_RETURN(const PickleValue* dict, FindDict(root));
  StateDict state;
  bool prefixed = true;
  // Before a name is copied: the pickle may name one text of megabytes again and again.
  std::unordered_set<std::string_view> names;
  for (std::size_t i = 0; i + 1 < dict->items.size(); i += 2) {
    const PickleValue& key = *dict->items[i];
    const PickleValue& value = *dict->items[i + 1];
    if (key.kind == Kind::kText && !names.insert(key.text).second) {
      return Fail(ErrorCode::kCorrupt, "two entries are named " + Printable(key.text));
    }
    const std::string name = key.kind == Kind::kText ? std::string(key.text) : "";
    if (value.kind != Kind::kCall) {
      state.ignored.push_back(name.empty() ? std::string(KindText(key.kind)) : name);
      continue;
    }
    if (name.empty()) return Fail(ErrorCode::kCorrupt, "a tensor has no name");
    auto tensor = storages.Tensor(value);
    if (!tensor) return Fail(tensor.error().WithContext("tensor " + Printable(name)));
    if (state.tensors.size() == kMaxTensors) {
      return Fail(ErrorCode::kTooLarge, "it holds more tensors than any state dict");
    }
    prefixed = prefixed && name.size() > kPrefix.size() && name.starts_with(kPrefix);
    tensor->name = name;
    state.tensors.push_back(std::move(*tensor));
  }
  if (state.tensors.empty()) {
    return Fail(ErrorCode::kUnsupportedFormat,
                "it holds no tensors: save model.state_dict() with torch.save");
  }
  if (prefixed) {
    for (StateTensor& tensor : state.tensors) tensor.name.erase(0, kPrefix.size());
  }
  return state;
}

Result<StateDict> LoadZip(Bytes file) {
  ASSIGN_OR_RETURN(const ZipReader zip, ZipReader::Open(file));
  const std::string root = ZipRoot(zip).value_or("");
  if (const Bytes* order = zip.Find(root + "byteorder"); order && AsText(*order) != "little") {
    return Fail(ErrorCode::kUnsupportedFormat, "it was written on a big-endian machine");
  }
  const Bytes* object = zip.Find(root + "data.pkl");
  if (object == nullptr) {
    return Fail(ErrorCode::kUnsupportedFormat,
                "its entries are compressed, which torch.save never does: it was zipped anew");
  }
  ASSIGN_OR_RETURN(const Pickle pickle, Pickle::Read(*object));
  ASSIGN_OR_RETURN(Storages storages, Storages::Declared(pickle.persistent_ids()));
  for (const std::string& key : storages.keys()) {
    const Bytes* data = zip.Find(root + "data/" + key);
    if (data == nullptr) {
      return Fail(ErrorCode::kCorrupt, "the data of storage " + Printable(key) + " is missing");
    }
    RETURN_IF_ERROR(storages.SetData(key, *data));
  }
  return Collect(pickle.root(), storages);
}

// `element counts` and elements of each storage that the list names.
Result<void> ReadLegacyStorages(Bytes rest, Storages& storages) {
  ASSIGN_OR_RETURN(const Pickle keys, Pickle::Read(rest));
  if (keys.root().kind != Kind::kList) {
    return Fail(ErrorCode::kCorrupt, "the list of its storages is damaged");
  }
  ByteReader reader(rest.subspan(keys.size_bytes()));
  for (const PickleValue* key : keys.root().items) {
    if (key->kind != Kind::kText) {
      return Fail(ErrorCode::kCorrupt, "the list of its storages is damaged");
    }
    const std::string name(key->text);
    ASSIGN_OR_RETURN(const std::size_t element_bytes, storages.ElementBytes(name));
    const auto count = reader.Number<std::int64_t>();
    if (!count) return Fail(ErrorCode::kTruncated, "it ends before the data of its tensors");
    if (*count < 0 || static_cast<std::uint64_t>(*count) > reader.remaining() / element_bytes) {
      return Fail(ErrorCode::kTruncated, "it ends before the data of its tensors does: storage " +
                                             Printable(name) + " claims " + std::to_string(*count) +
                                             " elements");
    }
    const auto data = reader.Bytes(static_cast<std::uint64_t>(*count) * element_bytes);
    RETURN_IF_ERROR(storages.SetData(name, *data));
  }
  return {};
}

Result<StateDict> LoadLegacy(Bytes file) {
  Bytes rest = file;
  std::vector<Pickle> header;
  for (int i = 0; i < 3; ++i) {
    ASSIGN_OR_RETURN(Pickle pickle, ReadHeaderPickle(rest));
    rest = rest.subspan(pickle.size_bytes());
    header.push_back(std::move(pickle));
  }
  const PickleValue& protocol = header[1].root();
  if (protocol.kind != Kind::kInteger || protocol.integer != kProtocol) {
    return Fail(ErrorCode::kUnsupportedFormat, "an unknown version of torch.save's old format");
  }
  const PickleValue* little = header[2].root().Entry("little_endian");
  if (little == nullptr || little->kind != Kind::kBool || little->integer != 1) {
    return Fail(ErrorCode::kUnsupportedFormat, "it was not written on a little-endian machine");
  }
  ASSIGN_OR_RETURN(const Pickle object, Pickle::Read(rest));
  rest = rest.subspan(object.size_bytes());
  ASSIGN_OR_RETURN(Storages storages, Storages::Declared(object.persistent_ids()));
  RETURN_IF_ERROR(ReadLegacyStorages(rest, storages));
  return Collect(object.root(), storages);
}

}  // namespace

Result<StateDict> ReadStateDict(std::span<const std::byte> file) {
  ASSIGN_OR_RETURN(const WeightsFormat format, Detect(file));
  if (format == WeightsFormat::kTorchScript) {
    return Fail(ErrorCode::kUnsupportedFormat,
                "it is a TorchScript module, not a state dict: use it with `model: torchscript`");
  }
  auto state = format == WeightsFormat::kZip ? LoadZip(file) : LoadLegacy(file);
  if (state) state->format = format;
  return state;
}

Result<WeightsFormat> DetectWeightsFormat(const std::string& path) {
  ASSIGN_OR_RETURN(const auto file, MappedFile::Open(path));
  auto format = Detect(file->bytes());
  if (!format) return Fail(format.error().WithContext("cannot read weights from " + path));
  return format;
}

Result<StateDict> LoadStateDict(const std::string& path) {
  ASSIGN_OR_RETURN(const auto file, MappedFile::Open(path));
  auto state = ReadStateDict(file->bytes());
  if (!state) return Fail(state.error().WithContext("cannot read weights from " + path));
  state->file = file;
  return state;
}

}  // namespace millrace
