#include "stages/inference/unpickler/storages.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "stages/inference/unpickler/printable.h"

namespace millrace {
namespace {

using Kind = PickleValue::Kind;

constexpr std::size_t kMaxDimensions = 64;  // PyTorch's own limit
// PyTorch's keys are decimal numbers. One text may be the key of every reference, and each copies
// it.
constexpr std::size_t kMaxKeyBytes = 64;

constexpr std::array<std::pair<std::string_view, ElementType>, 10> kStorageTypes{{
    {"torch.DoubleStorage", ElementType::kFloat64},
    {"torch.FloatStorage", ElementType::kFloat32},
    {"torch.HalfStorage", ElementType::kFloat16},
    {"torch.BFloat16Storage", ElementType::kBFloat16},
    {"torch.LongStorage", ElementType::kInt64},
    {"torch.IntStorage", ElementType::kInt32},
    {"torch.ShortStorage", ElementType::kInt16},
    {"torch.CharStorage", ElementType::kInt8},
    {"torch.ByteStorage", ElementType::kUInt8},
    {"torch.BoolStorage", ElementType::kBool},
}};

tl::unexpected<Error> Damaged(const std::string& what) {
  return Fail(ErrorCode::kCorrupt, "its pickle is damaged: " + what);
}

bool IsCount(const PickleValue& value) {
  return value.kind == Kind::kInteger && value.integer >= 0;
}

Result<std::vector<std::int64_t>> Counts(const PickleValue& tuple) {
  if (tuple.kind != Kind::kTuple || tuple.items.size() > kMaxDimensions) {
    return Damaged("sizes that are no tuple");
  }
  std::vector<std::int64_t> counts;
  for (const PickleValue* item : tuple.items) {
    if (!IsCount(*item)) return Damaged("a size or a stride that is no count");
    counts.push_back(item->integer);
  }
  return counts;
}

// Whether every element of the view lies in `available` elements, and its bytes in an int64.
bool Fits(const StateTensor& tensor, std::uint64_t available) {
  if (std::find(tensor.shape.begin(), tensor.shape.end(), 0) != tensor.shape.end()) return true;
  std::int64_t bytes = static_cast<std::int64_t>(ElementTypeSize(tensor.type));
  std::uint64_t last = tensor.offset;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    std::uint64_t span = 0;
    if (__builtin_mul_overflow(bytes, tensor.shape[i], &bytes) ||
        __builtin_mul_overflow(tensor.shape[i] - 1, tensor.strides[i], &span) ||
        __builtin_add_overflow(last, span, &last)) {
      return false;
    }
  }
  return last < available;
}

}  // namespace

Result<Storages::Reference> Storages::ReadId(const PickleValue& persistent) {
  const PickleValue& id = *persistent.items[0];
  if (id.kind != Kind::kTuple || id.items.size() < 5 || id.items.size() > 6 ||
      id.items[0]->kind != Kind::kText || id.items[0]->text != "storage" ||
      id.items[1]->kind != Kind::kName || id.items[2]->kind != Kind::kText ||
      id.items[2]->text.size() > kMaxKeyBytes || !IsCount(*id.items[4])) {
    return Damaged("a reference to what is no storage");
  }
  const auto* type = std::find_if(kStorageTypes.begin(), kStorageTypes.end(),
                                  [&](const auto& t) { return t.first == id.items[1]->name; });
  if (type == kStorageTypes.end()) return Damaged("a storage of no type");
  const auto count = static_cast<std::uint64_t>(id.items[4]->integer);
  Reference reference{std::string(id.items[2]->text), type->second, count, 0, count};
  if (id.items.size() == 6 && id.items[5]->kind != Kind::kNone) {
    const PickleValue& view = *id.items[5];
    if (view.kind != Kind::kTuple || view.items.size() != 3 || !IsCount(*view.items[1]) ||
        !IsCount(*view.items[2])) {
      return Damaged("a part of a storage without its place");
    }
    reference.view_offset = static_cast<std::uint64_t>(view.items[1]->integer);
    reference.view_count = static_cast<std::uint64_t>(view.items[2]->integer);
    if (reference.view_offset > count || reference.view_count > count - reference.view_offset) {
      return Damaged("a part of a storage lies outside it");
    }
  }
  return reference;
}

Result<Storages> Storages::Declared(const std::vector<const PickleValue*>& persistent_ids) {
  Storages storages;
  for (const PickleValue* persistent : persistent_ids) {
    ASSIGN_OR_RETURN(const Reference reference, ReadId(*persistent));
    const auto [place, added] = storages.storages_.try_emplace(
        reference.key, Storage{reference.type, reference.count, std::nullopt});
    if (added) {
      storages.keys_.push_back(reference.key);
    } else if (place->second.type != reference.type || place->second.count != reference.count) {
      return Damaged("storage " + Printable(reference.key) + " is described in two ways");
    }
  }
  return storages;
}

Result<std::size_t> Storages::ElementBytes(const std::string& key) const {
  const auto found = storages_.find(key);
  if (found == storages_.end()) {
    return Damaged("storage " + Printable(key) + " belongs to no tensor");
  }
  return ElementTypeSize(found->second.type);
}

Result<void> Storages::SetData(const std::string& key, std::span<const std::byte> data) {
  const auto found = storages_.find(key);
  if (found == storages_.end()) {
    return Damaged("storage " + Printable(key) + " belongs to no tensor");
  }
  Storage& storage = found->second;
  const std::size_t element_bytes = ElementTypeSize(storage.type);
  if (data.size() % element_bytes != 0 || data.size() / element_bytes != storage.count) {
    return Fail(ErrorCode::kCorrupt, "storage " + Printable(key) + " has " +
                                         std::to_string(data.size()) + " bytes where " +
                                         std::to_string(storage.count) + " elements of " +
                                         std::to_string(element_bytes) + " are declared");
  }
  storage.data = data;
  return {};
}

Result<StateTensor> Storages::Tensor(const PickleValue& call) const {
  const std::vector<const PickleValue*>& arguments = call.items[0]->items;
  if (call.name == "torch._utils._rebuild_parameter") {
    // (tensor, requires_grad, hooks). Not nested: a parameter of a parameter is none.
    if (arguments.empty() || arguments[0]->kind != Kind::kCall || arguments[0]->name == call.name) {
      return Damaged("a parameter of no tensor");
    }
    return Tensor(*arguments[0]);
  }
  if (!call.name.starts_with("torch._utils._rebuild_tensor")) return Damaged("it is no tensor");
  if (arguments.size() < 4 || arguments[0]->kind != Kind::kPersistent || !IsCount(*arguments[1])) {
    return Damaged("a tensor without its storage");
  }
  ASSIGN_OR_RETURN(const Reference reference, ReadId(*arguments[0]));
  const auto found = storages_.find(reference.key);
  if (found == storages_.end() || !found->second.data) {
    return Fail(ErrorCode::kCorrupt, "the data of its storage is missing");
  }
  StateTensor tensor;
  tensor.type = reference.type;
  ASSIGN_OR_RETURN(tensor.shape, Counts(*arguments[2]));
  ASSIGN_OR_RETURN(tensor.strides, Counts(*arguments[3]));
  if (tensor.shape.size() != tensor.strides.size()) return Damaged("sizes without their strides");
  const std::size_t element_bytes = ElementTypeSize(tensor.type);
  tensor.storage = found->second.data->subspan(reference.view_offset * element_bytes,
                                               reference.view_count * element_bytes);
  tensor.offset = static_cast<std::uint64_t>(arguments[1]->integer);
  if (!Fits(tensor, reference.view_count)) {
    return Fail(ErrorCode::kCorrupt, "it lies outside its storage: " + FormatShape(tensor.shape) +
                                         " in " + std::to_string(reference.view_count) +
                                         " elements");
  }
  return tensor;
}

}  // namespace millrace
