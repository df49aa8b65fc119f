// The storages of one file, and the tensors that view them.
//
// A storage is declared by a persistent id ('storage', torch.FloatStorage, key, location, count
// [, view]); the location (a device) is of no interest. A tensor is a call of
// torch._utils._rebuild_tensor_v2(storage, offset, sizes, strides, ...).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/result.h"
#include "stages/inference/unpickler/pickle.h"
#include "stages/inference/unpickler/state_dict.h"

namespace millrace {

class Storages {
 public:
  // kCorrupt for an id that is none of a storage, or for one key with two types or sizes.
  static Result<Storages> Declared(const std::vector<const PickleValue*>& persistent_ids);

  [[nodiscard]] const std::vector<std::string>& keys() const { return keys_; }
  // kCorrupt for an undeclared key.
  [[nodiscard]] Result<std::size_t> ElementBytes(const std::string& key) const;
  // kCorrupt for an undeclared key, or where the bytes are not those of the declared count.
  Result<void> SetData(const std::string& key, std::span<const std::byte> data);

  // The tensor of a kCall value, without its name. kCorrupt where it does not lie in its storage.
  [[nodiscard]] Result<StateTensor> Tensor(const PickleValue& call) const;

 private:
  struct Storage {
    ElementType type;
    std::uint64_t count;  // elements
    std::optional<std::span<const std::byte>> data;
  };
  // What one persistent id says: a storage, or a part of one (PyTorch before 0.4).
  struct Reference {
    std::string key;
    ElementType type;
    std::uint64_t count;  // of the whole storage
    std::uint64_t view_offset;
    std::uint64_t view_count;
  };
  static Result<Reference> ReadId(const PickleValue& persistent);

  std::vector<std::string> keys_;
  std::unordered_map<std::string, Storage> storages_;
};

}  // namespace millrace
