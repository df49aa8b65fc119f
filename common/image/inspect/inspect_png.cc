// PNG by its chunks: checksums, the inflated length and the rows' filter bytes. No pixel is made:
// Adler-32 at the end of the data tells of every byte whether it is the one that was written.
//
// Pillow's reader (PngImagePlugin.py, ZipDecode.c) is the measure of what costs pixels: it asks for
// the checksums of all chunks before the first IDAT, for none after it, and for no IEND;
// png_rules.h has what else it asks for.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "common/image/byte_order.h"
#include "common/image/inspect/inspectors.h"
#include "common/image/inspect/png_chunk.h"
#include "common/image/inspect/png_rows.h"
#include "common/image/inspect/png_rules.h"

namespace millrace {
namespace {

constexpr std::size_t kSignatureBytes = 8;

Finding At(ErrorCode code, std::string what, std::size_t offset,
           std::optional<double> lost = std::nullopt) {
  return {code, std::move(what), static_cast<std::int64_t>(offset), lost};
}

class PngInspector {
 public:
  PngInspector(FileBytes file, const InspectOptions& options) : file_(file), options_(options) {}

  std::optional<Finding> Run() {
    if (auto wrong = ReadHeader()) return wrong;
    if (options_.level == InspectLevel::kOpen) return std::nullopt;
    if (auto wrong = rules_.CheckPalette()) return wrong;
    if (auto wrong = ReadRows(shape_, "IDAT", 0)) return wrong;
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
      const std::optional<PngChunk> chunk = ReadPngChunk(file_, at_);
      if (!chunk) {
        return At(ErrorCode::kTruncated, "the PNG ends before its pixels", file_.size(), 1);
      }
      if (!IsPngChunkType(chunk->type)) {
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
      if (auto wrong = rules_.Check(*chunk)) return wrong;
      if (chunk->type == "fcTL") frames_read_ = 1;  // the picture is the animation's first frame
      NoteExif(*chunk);
      at_ = chunk->end;
    }
    if (!rules_.shape()) {
      return At(ErrorCode::kCorrupt, "the PNG has pixels and no header", at_, 1);
    }
    shape_ = *rules_.shape();
    if (shape_.bits == 0) {
      return At(ErrorCode::kCorrupt, "the PNG's colour type and depth do not go together",
                kSignatureBytes, 1);
    }
    frames_ = rules_.frames().value_or(0);
    return CheckSides(shape_.width, shape_.height, options_);
  }

  void NoteExif(const PngChunk& chunk) {
    if (chunk.type != "eXIf" || options_.level != InspectLevel::kStrict || strict_) return;
    strict_ = CheckExif(chunk.data, chunk.data_at());
  }

  // The chunks of one picture's data, one behind the other.
  struct DataRun {
    std::size_t begin = 0;     // of the first one's head
    std::size_t data_end = 0;  // behind the last one's data
    std::size_t chunks = 0;
    std::size_t data_bytes = 0;
    std::optional<std::size_t> bad_crc;  // the first one with a wrong checksum
    bool cut = false;                    // the file ends within the last one
  };

  // One picture's data: the run of its chunks from at_ on, and afterwards at_ is behind it. `skip`:
  // bytes of each chunk before the data.
  std::optional<Finding> ReadRows(const PngShape& shape, std::string_view type, std::size_t skip) {
    DataRun run;
    run.begin = at_;
    run.data_end = at_;
    while (const std::optional<PngChunk> chunk = ReadPngChunk(file_, at_)) {
      if (chunk->type != type || chunk->data.size() < skip) break;
      if (skip > 0) {
        if (auto wrong = rules_.Check(*chunk)) return wrong;
      }
      if (chunk->wrong_crc() && !run.bad_crc) run.bad_crc = at_;
      ++run.chunks;
      run.data_bytes += chunk->data.size() - skip;
      run.data_end = chunk->data_at() + chunk->data.size();
      run.cut = !chunk->whole;
      at_ = chunk->end;
      if (run.cut) break;
    }
    PngRows rows(shape);
    if (!run.cut && !run.bad_crc && IsWhole(rows, run, skip)) return std::nullopt;
    ForEachPiece(run, skip, [&](FileBytes piece, std::size_t at) { rows.Add(piece, at); });
    return JudgeRows(rows, run.cut, run.data_end, run.bad_crc);
  }

  template <typename Take>
  void ForEachPiece(const DataRun& run, std::size_t skip, const Take& take) const {
    std::size_t at = run.begin;
    for (std::size_t i = 0; i < run.chunks; ++i) {
      const std::optional<PngChunk> chunk = ReadPngChunkUnchecked(file_, at);
      take(chunk->data.subspan(skip), chunk->data_at() + skip);
      at = chunk->end;
    }
  }

  // PngRows::IsWhole, which wants the data in one piece.
  [[nodiscard]] bool IsWhole(const PngRows& rows, const DataRun& run, std::size_t skip) const {
    if (run.chunks == 0 || run.data_bytes > PngRows::kMaxWholeBytes) return false;
    if (run.chunks == 1) {
      return rows.IsWhole(file_.subspan(run.data_end - run.data_bytes, run.data_bytes));
    }
    const auto gathered = std::make_unique_for_overwrite<std::byte[]>(run.data_bytes);
    std::size_t have = 0;
    ForEachPiece(run, skip, [&](FileBytes piece, std::size_t /*at*/) {
      std::copy(piece.begin(), piece.end(), gathered.get() + have);
      have += piece.size();
    });
    return rows.IsWhole({gathered.get(), have});
  }

  std::optional<Finding> JudgeRows(const PngRows& rows, bool cut, std::size_t data_end,
                                   std::optional<std::size_t> bad_crc) {
    if (const std::optional<PngRows::Fault>& fault = rows.fault()) {
      return bad_crc ? At(ErrorCode::kBadCrc,
                          fmt::format("the checksum of its data is wrong: {}", fault->what),
                          fault->offset, rows.Missing())
                     : At(ErrorCode::kCorrupt, fault->what, fault->offset, rows.Missing());
    }
    if (!rows.complete()) {
      return cut || at_ >= file_.size()
                 ? At(ErrorCode::kTruncated, "the PNG ends before its last row", file_.size(),
                      rows.Missing())
                 : At(ErrorCode::kCorrupt, "its data has too few rows", at_, rows.Missing());
    }
    if (rows.ended()) {
      if (bad_crc) NoteStrict("a checksum of the PNG's data is wrong, the data is not", *bad_crc);
      return std::nullopt;
    }
    // Nothing says of these rows that they are those that were written.
    if ((bad_crc || cut) && !rows.ChecksumFollows(file_.subspan(data_end))) {
      return bad_crc ? At(ErrorCode::kBadCrc, "the checksum of its data is wrong", *bad_crc)
                     : At(ErrorCode::kCorrupt, "its data does not end where its rows do", data_end);
    }
    NoteStrict("the PNG's data does not end where its rows do", data_end);
    return std::nullopt;
  }

  // The chunks behind the pixels; of an animation, the frames among them.
  std::optional<Finding> ReadRest() {
    for (;;) {
      const std::optional<PngChunk> chunk = ReadPngChunk(file_, at_);
      if (!chunk || !IsPngChunkType(chunk->type)) {
        if (auto missing = CheckFrames(ErrorCode::kTruncated)) return missing;
        NoteStrict("the PNG has no end chunk", at_);
        return std::nullopt;
      }
      if (chunk->type == "IEND") return ReadEnd(*chunk);
      if (!chunk->data_ok) {
        return At(ErrorCode::kTruncated,
                  fmt::format("the file ends within its {} chunk", chunk->type), file_.size());
      }
      if (chunk->wrong_crc() && chunk->type != "fcTL") {
        NoteStrict(fmt::format("the checksum of its {} chunk is wrong", chunk->type), at_);
      }
      if (auto wrong = rules_.Check(*chunk)) return wrong;
      NoteExif(*chunk);
      at_ = chunk->end;
      if (chunk->type != "fcTL" || frames_ == 0) continue;
      if (auto wrong = ReadFrame(*chunk)) return wrong;
    }
  }

  std::optional<Finding> ReadEnd(const PngChunk& end) {
    if (auto missing = CheckFrames(ErrorCode::kCorrupt)) return missing;
    if (!end.crc_ok) NoteStrict("the checksum of its IEND chunk is wrong or missing", end.at);
    if (!strict_) strict_ = CheckTrailing(file_, end.end, options_);
    return std::nullopt;
  }

  std::optional<Finding> CheckFrames(ErrorCode code) const {
    if (frames_read_ >= frames_) return std::nullopt;
    return At(code, fmt::format("the animation has {} of its {} frames", frames_read_, frames_),
              at_);
  }

  // A frame behind its control chunk.
  std::optional<Finding> ReadFrame(const PngChunk& control) {
    // Its place and what it does to the frame before have no other checksum.
    if (control.wrong_crc()) {
      return At(ErrorCode::kBadCrc, "the checksum of an animation's frame is wrong", control.at);
    }
    PngShape shape = shape_;
    shape.width = Big32(control.data, 4);
    shape.height = Big32(control.data, 8);
    if (shape.width < 1 || shape.height < 1) {
      return At(ErrorCode::kCorrupt, "a frame of the animation has no pixels", control.at);
    }
    frame_pixels_ += shape.width * shape.height;
    if (frame_pixels_ > options_.max_total_pixels) {
      return At(ErrorCode::kTooLarge, "the animation's frames have too many pixels", control.at);
    }
    ++frames_read_;
    constexpr std::size_t kNumberBytes = 4;
    auto wrong = ReadRows(shape, "fdAT", kNumberBytes);
    // What is lost of a later frame is not the first frame's.
    if (wrong) {
      wrong->what += fmt::format(" (frame {} of {})", frames_read_, frames_);
      wrong->lost.reset();
    }
    return wrong;
  }

  FileBytes file_;
  const InspectOptions& options_;
  PngRules rules_;
  PngShape shape_;
  std::uint32_t frames_ = 0;  // of an animation; 0: it is none
  std::uint32_t frames_read_ = 0;
  std::int64_t frame_pixels_ = 0;
  std::size_t at_ = 0;
  std::optional<Finding> strict_;
};

}  // namespace

std::optional<Finding> InspectPng(FileBytes file, const InspectOptions& options) {
  return PngInspector(file, options).Run();
}

}  // namespace millrace
