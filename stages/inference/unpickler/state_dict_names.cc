#include <algorithm>
#include <array>

#include "stages/inference/unpickler/pickle.h"

namespace millrace {
namespace {

// Everything that torch.save(model.state_dict()) names, in any version of PyTorch up to 2.x.
constexpr std::array<std::string_view, 14> kNames{
    "collections.OrderedDict",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_parameter",
    "torch.DoubleStorage",
    "torch.FloatStorage",
    "torch.HalfStorage",
    "torch.BFloat16Storage",
    "torch.LongStorage",
    "torch.IntStorage",
    "torch.ShortStorage",
    "torch.CharStorage",
    "torch.ByteStorage",
    "torch.BoolStorage",
};

}  // namespace

bool IsStateDictName(std::string_view name) {
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::string_view KindText(PickleValue::Kind kind) {
  using Kind = PickleValue::Kind;
  switch (kind) {
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return "a truth value";
    case Kind::kInteger:
    case Kind::kBigInteger:
    case Kind::kNumber:
      return "a number";
    case Kind::kText:
      return "a string";
    case Kind::kTuple:
      return "a tuple";
    case Kind::kList:
      return "a list";
    case Kind::kDict:
      return "a dict";
    case Kind::kName:
      return "a name";
    case Kind::kCall:
      return "a tensor";
    case Kind::kPersistent:
      return "a storage";
  }
  return "something unknown";
}

}  // namespace millrace
