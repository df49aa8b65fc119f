// A PNG's chunks, one after the other.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/image/inspect/inspectors.h"

namespace millrace {

struct PngChunk {
  static constexpr std::size_t kHeadBytes = 8;  // length, type
  static constexpr std::size_t kCrcBytes = 4;

  std::size_t at = 0;  // of its head, in the file
  std::string_view type;
  FileBytes data;        // what there is of it
  bool data_ok = false;  // its data is all there
  bool whole = false;    // its data and its checksum are
  bool crc_ok = false;   // and the checksum is right
  std::size_t end = 0;   // where the next one begins; the file's end where this one is cut

  [[nodiscard]] bool wrong_crc() const { return whole && !crc_ok; }
  [[nodiscard]] std::size_t data_at() const { return at + kHeadBytes; }
};

// The chunk at `at`; nothing where the file has no head there.
std::optional<PngChunk> ReadPngChunk(FileBytes file, std::size_t at);

// The same, but for crc_ok, which is false: for chunks whose checksum is known.
std::optional<PngChunk> ReadPngChunkUnchecked(FileBytes file, std::size_t at);

// Letters, digits and the underscore, as Pillow's is_cid has it.
bool IsPngChunkType(std::string_view type);

}  // namespace millrace
