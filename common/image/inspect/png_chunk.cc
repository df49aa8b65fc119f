#include "common/image/inspect/png_chunk.h"

#include <zlib.h>

#include <algorithm>

namespace millrace {

std::uint32_t PngNumber(FileBytes bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
  }
  return value;
}

std::optional<PngChunk> ReadPngChunk(FileBytes file, std::size_t at) {
  if (at > file.size() || file.size() - at < PngChunk::kHeadBytes) return std::nullopt;
  PngChunk chunk;
  chunk.at = at;
  chunk.type = {reinterpret_cast<const char*>(file.data()) + at + 4, 4};
  const std::size_t length = PngNumber(file, at);
  const std::size_t left = file.size() - chunk.data_at();
  chunk.data = file.subspan(chunk.data_at(), std::min(length, left));
  chunk.data_ok = length <= left;
  chunk.whole = chunk.data_ok && left - length >= PngChunk::kCrcBytes;
  chunk.end = chunk.whole ? chunk.data_at() + length + PngChunk::kCrcBytes : file.size();
  if (chunk.whole) {
    const auto* begin = reinterpret_cast<const Bytef*>(file.data()) + at + 4;
    chunk.crc_ok = crc32_z(0, begin, length + 4) == PngNumber(file, chunk.data_at() + length);
  }
  return chunk;
}

bool IsPngChunkType(std::string_view type) {
  return std::all_of(type.begin(), type.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace millrace
