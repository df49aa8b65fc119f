#include "common/image/inspect/png_chunk.h"

#include <libdeflate.h>

#include <algorithm>

#include "common/image/byte_order.h"

namespace millrace {

std::optional<PngChunk> ReadPngChunkUnchecked(FileBytes file, std::size_t at) {
  if (at > file.size() || file.size() - at < PngChunk::kHeadBytes) return std::nullopt;
  PngChunk chunk;
  chunk.at = at;
  chunk.type = {reinterpret_cast<const char*>(file.data()) + at + 4, 4};
  const std::size_t length = Big32(file, at);
  const std::size_t left = file.size() - chunk.data_at();
  chunk.data = file.subspan(chunk.data_at(), std::min(length, left));
  chunk.data_ok = length <= left;
  chunk.whole = chunk.data_ok && left - length >= PngChunk::kCrcBytes;
  chunk.end = chunk.whole ? chunk.data_at() + length + PngChunk::kCrcBytes : file.size();
  return chunk;
}

std::optional<PngChunk> ReadPngChunk(FileBytes file, std::size_t at) {
  std::optional<PngChunk> chunk = ReadPngChunkUnchecked(file, at);
  if (chunk && chunk->whole) {
    const std::size_t length = chunk->data.size();
    chunk->crc_ok = libdeflate_crc32(0, file.data() + at + 4, length + 4) ==
                    Big32(file, chunk->data_at() + length);
  }
  return chunk;
}

bool IsPngChunkType(std::string_view type) {
  return std::all_of(type.begin(), type.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace millrace
