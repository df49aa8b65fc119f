// PNG by its chunks: checksums, the inflated length and the rows' filter bytes. No pixel is made:
// Adler-32 at the end of the data tells of every byte whether it is the one that was written.
//
// Pillow's reader (PngImagePlugin.py, ZipDecode.c) is the measure of what costs pixels: it asks for
// the checksums of all chunks before the first IDAT, for none after it, and for no IEND.
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "common/image/inspect/inspectors.h"
#include "common/image/inspect/png_rows.h"

namespace millrace {
namespace {

constexpr std::size_t kSignatureBytes = 8;
constexpr std::size_t kHeadBytes = 8;  // of a chunk: length, type
constexpr std::size_t kCrcBytes = 4;

std::uint32_t Big32(FileBytes bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
  }
  return value;
}

Finding At(ErrorCode code, std::string what, std::size_t offset,
           std::optional<double> lost = std::nullopt) {
  return {code, std::move(what), static_cast<std::int64_t>(offset), lost};
}

struct Chunk {
  std::size_t at = 0;  // of its head, in the file
  std::string_view type;
  FileBytes data;      // what there is of it
  bool whole = false;  // its data and its checksum are there
  bool crc_ok = false;
  std::size_t end = 0;  // where the next one begins; the file's end where this one is cut
};

// Letters, digits and the underscore, as Pillow's is_cid has it.
bool IsType(std::string_view type) {
  return std::all_of(type.begin(), type.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// The chunk at `at`; nothing where the file has no head there.
std::optional<Chunk> ReadChunk(FileBytes file, std::size_t at) {
  if (at > file.size() || file.size() - at < kHeadBytes) return std::nullopt;
  Chunk chunk;
  chunk.at = at;
  chunk.type = {reinterpret_cast<const char*>(file.data()) + at + 4, 4};
  const std::size_t length = Big32(file, at);
  const std::size_t left = file.size() - at - kHeadBytes;
  chunk.data = file.subspan(at + kHeadBytes, std::min(length, left));
  chunk.whole = length <= left && left - length >= kCrcBytes;
  chunk.end = chunk.whole ? at + kHeadBytes + length + kCrcBytes : file.size();
  if (chunk.whole) {
    const auto* begin = reinterpret_cast<const Bytef*>(file.data()) + at + 4;
    chunk.crc_ok = crc32_z(0, begin, length + 4) == Big32(file, at + kHeadBytes + length);
  }
  return chunk;
}

class PngInspector {
 public:
  PngInspector(FileBytes file, const InspectOptions& options) : file_(file), options_(options) {}

  std::optional<Finding> Run() {
    if (auto wrong = ReadHeader()) return wrong;
    if (options_.level == InspectLevel::kOpen) return std::nullopt;
    if (auto wrong = ReadPixels()) return wrong;
    if (auto wrong = ReadRest()) return wrong;
    return std::move(strict_);
  }

 private:
  void NoteStrict(std::string what, std::size_t at) {
    if (options_.level != InspectLevel::kStrict || strict_) return;
    strict_ = At(ErrorCode::kBadMetadata, std::move(what), at);
  }

  // Up to the first IDAT.
  std::optional<Finding> ReadHeader() {
    for (at_ = kSignatureBytes;;) {
      const std::optional<Chunk> chunk = ReadChunk(file_, at_);
      if (!chunk)
        return At(ErrorCode::kTruncated, "the PNG ends before its pixels", file_.size(), 1);
      if (!IsType(chunk->type)) {
        return At(ErrorCode::kCorrupt, "what should be a PNG chunk is none", at_, 1);
      }
      if (chunk->type == "IDAT") break;
      if (!chunk->whole) {
        return At(ErrorCode::kTruncated, "the PNG ends before its pixels", file_.size(), 1);
      }
      if (!chunk->crc_ok) {
        return At(ErrorCode::kBadCrc,
                  fmt::format("the checksum of its {} chunk is wrong", chunk->type), at_);
      }
      if (auto wrong = TakeHeaderChunk(*chunk)) return wrong;
      at_ = chunk->end;
    }
    if (!shape_) return At(ErrorCode::kCorrupt, "the PNG has pixels and no header", at_, 1);
    return CheckSides(shape_->width, shape_->height, options_);
  }

  std::optional<Finding> TakeHeaderChunk(const Chunk& chunk) {
    if (chunk.type == "IHDR") {
      if (chunk.data.size() < 13) {
        return At(ErrorCode::kCorrupt, "the PNG's header is cut short", chunk.at, 1);
      }
      PngShape shape{
          .width = Big32(chunk.data, 0),
          .height = Big32(chunk.data, 4),
          .bits = PngBits(std::to_integer<int>(chunk.data[8]), std::to_integer<int>(chunk.data[9])),
          .interlaced = chunk.data[12] != std::byte{0}};
      if (shape.bits == 0) {
        return At(ErrorCode::kCorrupt, "no such colour type and depth", chunk.at, 1);
      }
      if (chunk.data[11] != std::byte{0}) {
        return At(ErrorCode::kCorrupt, "unknown filter method", chunk.at, 1);
      }
      shape_ = shape;
      if (auto size = CheckSides(shape.width, shape.height, options_)) return size;
    } else {
      TakeSideChunk(chunk);
    }
    return std::nullopt;
  }

  void TakeSideChunk(const Chunk& chunk) {
    if (chunk.type == "acTL") animated_ = true;
    if (chunk.type != "eXIf" || options_.level != InspectLevel::kStrict || strict_) return;
    strict_ = CheckExif(chunk.data, chunk.at + kHeadBytes);
  }

  // The run of IDAT chunks from at_ on; afterwards at_ is behind it.
  std::optional<Finding> ReadPixels() {
    PngRows rows(*shape_);
    std::optional<std::size_t> bad_crc;
    bool cut = false;
    while (const std::optional<Chunk> chunk = ReadChunk(file_, at_)) {
      if (chunk->type != "IDAT") break;
      if (chunk->whole && !chunk->crc_ok && !bad_crc) bad_crc = at_;
      rows.Add(chunk->data, chunk->at + kHeadBytes);
      cut = !chunk->whole;
      at_ = chunk->end;
      if (cut) break;
    }
    return JudgeRows(rows, cut || at_ >= file_.size(), bad_crc);
  }

  std::optional<Finding> JudgeRows(const PngRows& rows, bool ended,
                                   std::optional<std::size_t> bad_crc) {
    if (const std::optional<PngRows::Fault>& fault = rows.fault()) {
      return bad_crc ? At(ErrorCode::kBadCrc,
                          fmt::format("the checksum of its data is wrong: {}", fault->what),
                          fault->offset, rows.Missing())
                     : At(ErrorCode::kCorrupt, fault->what, fault->offset, rows.Missing());
    }
    if (!rows.complete()) {
      return ended ? At(ErrorCode::kTruncated, "the PNG ends before its last row", file_.size(),
                        rows.Missing())
                   : At(ErrorCode::kCorrupt, "its data has too few rows", at_, rows.Missing());
    }
    // Rows without a checksum of their own that the chunk's contradicts: some byte is not what it
    // was.
    if (bad_crc && !rows.ended()) {
      return At(ErrorCode::kBadCrc, "the checksum of its data is wrong", *bad_crc);
    }
    if (bad_crc) NoteStrict("the checksum of an IDAT chunk is wrong, its data is not", *bad_crc);
    if (!rows.ended()) NoteStrict("the PNG's data goes on behind its last row", at_);
    return std::nullopt;
  }

  // The chunks behind the pixels; of an animation, the frames among them.
  std::optional<Finding> ReadRest() {
    for (;;) {
      const std::optional<Chunk> chunk = ReadChunk(file_, at_);
      if (!chunk || !IsType(chunk->type)) {
        NoteStrict("the PNG has no end chunk", at_);
        return std::nullopt;
      }
      if (chunk->type == "IEND") {
        if (!chunk->crc_ok) NoteStrict("the checksum of its IEND chunk is wrong", at_);
        if (strict_) return std::nullopt;
        if (auto more = CheckTrailing(file_, chunk->end, options_)) strict_ = std::move(more);
        return std::nullopt;
      }
      if (chunk->type == "fcTL" && animated_) {
        if (auto wrong = ReadFrame(*chunk)) return wrong;
        continue;
      }
      if (!chunk->whole) {
        return At(ErrorCode::kTruncated,
                  fmt::format("the file ends within its {} chunk", chunk->type), file_.size());
      }
      if (!chunk->crc_ok) {
        NoteStrict(fmt::format("the checksum of its {} chunk is wrong", chunk->type), at_);
      }
      TakeSideChunk(*chunk);
      at_ = chunk->end;
    }
  }

  // A frame control chunk, and the fdAT chunks behind it.
  std::optional<Finding> ReadFrame(const Chunk& control) {
    if (!control.whole || control.data.size() < 26) {
      return At(ErrorCode::kTruncated, "a frame of the animation is cut short", control.at);
    }
    if (!control.crc_ok) {
      return At(ErrorCode::kBadCrc, "the checksum of an animation's frame is wrong", control.at);
    }
    PngShape shape = *shape_;
    shape.width = Big32(control.data, 4);
    shape.height = Big32(control.data, 8);
    if (shape.width < 1 || shape.height < 1 || shape.width > shape_->width ||
        shape.height > shape_->height) {
      return At(ErrorCode::kCorrupt, "a frame of the animation is larger than the picture",
                control.at);
    }
    frame_pixels_ += shape.width * shape.height;
    if (frame_pixels_ > options_.max_total_pixels) {
      return At(ErrorCode::kTooLarge, "the animation's frames have too many pixels", control.at);
    }
    at_ = control.end;
    PngRows rows(shape);
    std::optional<std::size_t> bad_crc;
    bool any = false;
    while (const std::optional<Chunk> chunk = ReadChunk(file_, at_)) {
      if (chunk->type != "fdAT" || chunk->data.size() < 4) break;
      any = true;
      if (!chunk->crc_ok && !bad_crc) bad_crc = at_;
      rows.Add(chunk->data.subspan(4), chunk->at + kHeadBytes + 4);
      at_ = chunk->end;
      if (!chunk->whole) break;
    }
    if (!any) return At(ErrorCode::kCorrupt, "a frame of the animation has no data", at_);
    return JudgeRows(rows, at_ >= file_.size(), bad_crc);
  }

  FileBytes file_;
  const InspectOptions& options_;
  std::optional<PngShape> shape_;
  bool animated_ = false;
  std::int64_t frame_pixels_ = 0;
  std::size_t at_ = 0;
  std::optional<Finding> strict_;
};

}  // namespace

std::optional<Finding> InspectPng(FileBytes file, const InspectOptions& options) {
  return PngInspector(file, options).Run();
}

}  // namespace millrace
