#include "common/payload/payload.h"

#include <array>
#include <limits>

namespace millrace {
namespace {

struct DTypeRow {
  DType dtype;
  std::string_view name;
  std::size_t size;
};

constexpr std::array kDTypes = {
    DTypeRow{DType::kUInt8, "uint8", 1},
    DTypeRow{DType::kInt32, "int32", 4},
    DTypeRow{DType::kInt64, "int64", 8},
    DTypeRow{DType::kFloat32, "float32", 4},
};

const DTypeRow& RowOf(DType dtype) { return kDTypes.at(static_cast<std::size_t>(dtype)); }

}  // namespace

std::string_view DTypeName(DType dtype) { return RowOf(dtype).name; }

std::size_t DTypeSize(DType dtype) { return RowOf(dtype).size; }

Result<DType> DTypeFromName(std::string_view name) {
  for (const DTypeRow& row : kDTypes) {
    if (row.name == name) return row.dtype;
  }
  return Fail(ErrorCode::kProtocol, "unknown dtype '" + std::string(name.substr(0, 32)) + "'");
}

Result<void> CheckPart(const Part& part) {
  if (part.shape.size() > kMaxPartDimensions) {
    return Fail(ErrorCode::kProtocol, "part '" + part.name + "' has too many dimensions");
  }
  // Divides instead of multiplying, so that no shape overflows.
  std::uint64_t left = part.data.size() / DTypeSize(part.dtype);
  bool empty = false;
  std::uint64_t product = 1;
  for (const std::int64_t extent : part.shape) {
    if (extent < 0) {
      return Fail(ErrorCode::kProtocol, "part '" + part.name + "' has a negative dimension");
    }
    if (extent == 0) {
      empty = true;
    } else if (!empty) {
      const auto factor = static_cast<std::uint64_t>(extent);
      if (factor > std::numeric_limits<std::uint64_t>::max() / product) {
        return Fail(ErrorCode::kProtocol, "part '" + part.name + "' has an impossible shape");
      }
      product *= factor;
    }
  }
  if (empty) product = 0;
  if (product != left || part.data.size() % DTypeSize(part.dtype) != 0) {
    return Fail(ErrorCode::kProtocol, "part '" + part.name + "' has " +
                                          std::to_string(part.data.size()) +
                                          " bytes, which its shape contradicts");
  }
  return {};
}

const Part* FindPart(const Payload& payload, std::string_view name) {
  for (const Part& part : payload) {
    if (part.name == name) return &part;
  }
  return nullptr;
}

std::size_t PayloadBytes(const Payload& payload) {
  std::size_t bytes = 0;
  for (const Part& part : payload) bytes += part.data.size();
  return bytes;
}

}  // namespace millrace
