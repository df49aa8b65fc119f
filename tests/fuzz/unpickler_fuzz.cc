// The state dict reader under libFuzzer: any bytes as a .pth file give a state dict or an error, in
// memory bounded by the file; every tensor lies inside the file, and is copied out as its strides
// say.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "stages/inference/unpickler/state_dict.h"
#include "tests/fuzz/heap_peak.h"
#include "tests/fuzz/require.h"

namespace millrace {
namespace {

// An expanded tensor may have any number of elements; the fuzzer wants many files a second.
constexpr std::int64_t kMaxElementsRead = 4096;

// Element `index` in row-major order, found by division.
const std::byte* ElementOf(const StateTensor& tensor, std::uint64_t index) {
  std::uint64_t element = tensor.offset;
  for (std::size_t i = tensor.shape.size(); i-- > 0;) {
    const auto size = static_cast<std::uint64_t>(tensor.shape[i]);
    element += index % size * static_cast<std::uint64_t>(tensor.strides[i]);
    index /= size;
  }
  return tensor.storage.data() + element * ElementTypeSize(tensor.type);
}

void CheckTensor(const StateTensor& tensor, std::span<const std::byte> file) {
  const std::less_equal<const std::byte*> before;
  Require(tensor.storage.empty() ||
              (before(file.data(), tensor.storage.data()) &&
               before(tensor.storage.data() + tensor.storage.size(), file.data() + file.size())),
          "a tensor's storage lies inside the file");
  Require(tensor.shape.size() == tensor.strides.size(), "every dimension has its stride");
  const std::int64_t elements = tensor.NumElements();
  Require(elements >= 0, "a number of elements is no less than none");
  if (elements > kMaxElementsRead) return;
  const std::size_t width = ElementTypeSize(tensor.type);
  std::vector<std::byte> copy(static_cast<std::size_t>(elements) * width);
  tensor.CopyTo(copy);
  for (std::size_t i = 0; i < static_cast<std::size_t>(elements); ++i) {
    Require(std::memcmp(copy.data() + i * width, ElementOf(tensor, i), width) == 0,
            "a copied element is the one at its place");
  }
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;
  const auto file = std::as_bytes(std::span(data, size));
  const HeapPeak peak;
  const auto state = ReadStateDict(file);
  // An instruction is a byte and makes at most one value, of about 130 bytes with its place on the
  // stack. A legacy file is five pickles in a row, whose values live side by side.
  Require(peak.bytes() <= 64 * 1024 + 512 * size,
          "reading takes memory in proportion to the file, not " + std::to_string(peak.bytes()));
  if (!state) {
    Require(!state.error().message.empty(), "an error says what is wrong");
    return 0;
  }
  Require(!state->tensors.empty(), "a state dict has tensors");
  std::unordered_set<std::string_view> names;
  for (const StateTensor& tensor : state->tensors) {
    Require(!tensor.name.empty() && names.insert(tensor.name).second, "names are names and unique");
    CheckTensor(tensor, file);
  }
  Require(!FormatStateDict(*state).empty(), "a state dict can be shown");
  return 0;
}
