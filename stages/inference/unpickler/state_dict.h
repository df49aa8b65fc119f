// A PyTorch state dict, read from a .pth file without PyTorch and without running anything in it.
//
// Both of torch.save's formats: the zip one (PyTorch 1.6 and later) and the one before it. A pickle
// is a program; this reader knows the few instructions and names that a state dict is made of
// (tensors, dicts, numbers, strings), and refuses any other by its name. It is total: any bytes
// give a StateDict or an Error, with memory bounded by kMaxPickleBytes and not by what the file
// claims.
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

enum class WeightsFormat {
  kZip,          // torch.save of PyTorch >= 1.6
  kLegacy,       // torch.save before 1.6, or with _use_new_zipfile_serialization=False
  kTorchScript,  // torch.jit.save: code and weights; not a state dict
};

// "state dict, zip format (PyTorch 1.6 or later)", ...
std::string_view WeightsFormatText(WeightsFormat format);

// Looks at the file's structure only. kNotFound, kUnreadable, kEmpty, kUnsupportedFormat, kCorrupt.
Result<WeightsFormat> DetectWeightsFormat(const std::string& path);

enum class ElementType {
  kFloat64,
  kFloat32,
  kFloat16,
  kBFloat16,
  kInt64,
  kInt32,
  kInt16,
  kInt8,
  kUInt8,
  kBool,
};

std::string_view ElementTypeName(ElementType type);  // PyTorch's: "float32", "int64", "bool", ...
std::size_t ElementTypeSize(ElementType type);       // bytes

// One tensor: a strided view of a storage that other tensors may share. Every element lies inside
// the storage; the number of elements fits std::int64_t (a stride of 0 may make it large).
struct StateTensor {
  std::string name;  // without a leading "module."
  ElementType type = ElementType::kFloat32;
  std::vector<std::int64_t> shape;     // empty for a single number
  std::vector<std::int64_t> strides;   // in elements, none negative; as long as shape
  std::uint64_t offset = 0;            // of the first element, in elements of `type`
  std::span<const std::byte> storage;  // little-endian, not aligned; lives as long as the StateDict

  [[nodiscard]] std::int64_t NumElements() const;
  // Writes the elements in row-major order. `out` must hold exactly
  // NumElements() * ElementTypeSize(type) bytes.
  void CopyTo(std::span<std::byte> out) const;
};

struct StateDict {
  WeightsFormat format = WeightsFormat::kZip;
  std::vector<StateTensor> tensors;  // in the file's order; names are unique
  std::vector<std::string> ignored;  // entries that are no tensors ("epoch", ...)
  std::shared_ptr<const void> file;  // keeps the storages' bytes

  // nullptr where there is none of that name.
  [[nodiscard]] const StateTensor* Find(std::string_view name) const;
};

inline constexpr std::size_t kMaxPickleBytes = 16u << 20;

// Reads the file's state dict: the dict itself, or the one it holds as 'state_dict' or
// 'model_state_dict'. The file is mapped, not read: bytes are paged in where they are copied.
// kNotFound, kUnreadable, kEmpty, kTruncated, kCorrupt, kUnsupportedFormat (TorchScript; not a
// PyTorch file; a name that is refused); the message says what to do.
Result<StateDict> LoadStateDict(const std::string& path);

// The same from bytes in memory, which must outlive what is returned.
Result<StateDict> ReadStateDict(std::span<const std::byte> file);

// For a person, one tensor a line ("cp.resnet.conv1.weight  64x3x7x7  float32") below a first line
// with format, number of tensors and of parameters.
std::string FormatStateDict(const StateDict& state_dict);

// "64x3x7x7"; "scalar" for no dimensions.
std::string FormatShape(std::span<const std::int64_t> shape);

}  // namespace millrace
