#include "stages/inference/unpickler/state_dict.h"

#include <algorithm>
#include <cstring>

#include "stages/inference/unpickler/printable.h"

namespace millrace {

std::string_view WeightsFormatText(WeightsFormat format) {
  switch (format) {
    case WeightsFormat::kZip:
      return "state dict, zip format (PyTorch 1.6 or later)";
    case WeightsFormat::kLegacy:
      return "state dict, pickle format (PyTorch before 1.6)";
    case WeightsFormat::kTorchScript:
      return "TorchScript module";
  }
  return "unknown";
}

std::string_view ElementTypeName(ElementType type) {
  switch (type) {
    case ElementType::kFloat64:
      return "float64";
    case ElementType::kFloat32:
      return "float32";
    case ElementType::kFloat16:
      return "float16";
    case ElementType::kBFloat16:
      return "bfloat16";
    case ElementType::kInt64:
      return "int64";
    case ElementType::kInt32:
      return "int32";
    case ElementType::kInt16:
      return "int16";
    case ElementType::kInt8:
      return "int8";
    case ElementType::kUInt8:
      return "uint8";
    case ElementType::kBool:
      return "bool";
  }
  return "unknown";
}

std::size_t ElementTypeSize(ElementType type) {
  switch (type) {
    case ElementType::kFloat64:
    case ElementType::kInt64:
      return 8;
    case ElementType::kFloat32:
    case ElementType::kInt32:
      return 4;
    case ElementType::kFloat16:
    case ElementType::kBFloat16:
    case ElementType::kInt16:
      return 2;
    case ElementType::kInt8:
    case ElementType::kUInt8:
    case ElementType::kBool:
      return 1;
  }
  return 1;
}

std::int64_t StateTensor::NumElements() const {
  // A zero anywhere first: the other sizes of an empty tensor are not bounded.
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::int64_t elements = 1;
  for (const std::int64_t size : shape) elements *= size;
  return elements;
}

void StateTensor::CopyTo(std::span<std::byte> out) const {
  if (out.empty()) return;
  const std::size_t width = ElementTypeSize(type);
  const std::byte* source = storage.data() + offset * width;
  // The innermost dimensions that lie as they are to be written go in one piece.
  std::size_t outer = shape.size();
  std::int64_t run = 1;
  while (outer > 0 && (strides[outer - 1] == run || shape[outer - 1] == 1)) run *= shape[--outer];
  const std::size_t run_bytes = static_cast<std::size_t>(run) * width;
  std::vector<std::int64_t> index(outer, 0);
  // Modulo 2^64: of a dimension of one element, any stride is taken, and is taken back below.
  std::uint64_t element = 0;
  for (std::byte* target = out.data(); target < out.data() + out.size(); target += run_bytes) {
    std::memcpy(target, source + element * width, run_bytes);
    for (std::size_t i = outer; i-- > 0;) {
      const auto stride = static_cast<std::uint64_t>(strides[i]);
      element += stride;
      if (++index[i] < shape[i]) break;
      element -= stride * static_cast<std::uint64_t>(shape[i]);
      index[i] = 0;
    }
  }
}

const StateTensor* StateDict::Find(std::string_view name) const {
  for (const StateTensor& tensor : tensors) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

std::string FormatShape(std::span<const std::int64_t> shape) {
  if (shape.empty()) return "scalar";
  std::string text;
  for (const std::int64_t size : shape) text += (text.empty() ? "" : "x") + std::to_string(size);
  return text;
}

std::string FormatStateDict(const StateDict& state_dict) {
  std::int64_t parameters = 0;
  std::size_t name_width = 0;
  std::size_t shape_width = 0;
  for (const StateTensor& tensor : state_dict.tensors) {
    // Only what really has bytes: an expanded tensor may claim more than an int64 can add up.
    parameters += static_cast<std::int64_t>(
        std::min<std::uint64_t>(static_cast<std::uint64_t>(tensor.NumElements()),
                                tensor.storage.size() / ElementTypeSize(tensor.type)));
    name_width = std::max(name_width, Printable(tensor.name).size());
    shape_width = std::max(shape_width, FormatShape(tensor.shape).size());
  }
  std::string text(WeightsFormatText(state_dict.format));
  text += ": " + std::to_string(state_dict.tensors.size()) + " tensors, " +
          std::to_string(parameters) + " numbers\n";
  for (const StateTensor& tensor : state_dict.tensors) {
    std::string name = Printable(tensor.name);
    std::string shape = FormatShape(tensor.shape);
    name.resize(name_width, ' ');
    shape.resize(shape_width, ' ');
    text += name + "  " + shape + "  " + std::string(ElementTypeName(tensor.type)) + "\n";
  }
  for (const std::string& name : state_dict.ignored) {
    text += Printable(name) + "  (no tensor)\n";
  }
  return text;
}

}  // namespace millrace
