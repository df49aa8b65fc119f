// PNG by its chunks: checksums, the inflated length and the rows' filter bytes. No pixel is made:
// Adler-32 at the end of the data tells of every byte whether it is the one that was written.
//
// What costs pixels is the checksums and the order of the critical chunks (IHDR, PLTE, IDAT) and of
// an animation's data, and rows that are missing. Pillow (PngImagePlugin.py, ZipDecode.c) asks for
// more: for the checksums of all chunks before the first IDAT, and for what png_rules.h has. All of
// that is beside the pixels, so that it is said at strict, or is a mere sign of damage.
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

// Whether pixels cannot be told without the chunk (PNG specification, 4.8): its first letter is
// large.
bool IsCritical(std::string_view type) { return type[0] >= 'A' && type[0] <= 'Z'; }

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
    NoteSign(rules_.CheckPalette());
    if (auto wrong = ReadRows(shape_, "IDAT", 0)) return wrong;
    if (auto wrong = ReadRest()) return wrong;
    return sign_ ? std::move(sign_) : std::move(strict_);
  }

 private:
  void NoteStrict(std::string what, std::size_t at) {
    if (options_.level != InspectLevel::kStrict || strict_) return;
    strict_ = At(ErrorCode::kBadMetadata, std::move(what), at);
  }

  // A sign of damage: no pixel is known to be lost, whatever the level.
  void NoteSign(std::optional<Finding> sign) {
    if (sign && !sign_) sign_ = std::move(sign);
  }
  void NoteSign(std::string what, std::size_t at) {
    NoteSign(At(ErrorCode::kSuspicious, std::move(what), at));
  }

  // What the rules say of a chunk: what is wrong with the picture comes back, the rest is noted.
  std::optional<Finding> Check(const PngChunk& chunk) {
    auto said = rules_.Check(chunk);
    if (!said) return std::nullopt;
    if (said->code == ErrorCode::kBadMetadata) {
      if (options_.level == InspectLevel::kStrict && !strict_) strict_ = std::move(said);
      return std::nullopt;
    }
    if (said->code != ErrorCode::kSuspicious) return said;
    NoteSign(std::move(said));
    return std::nullopt;
  }

  // Up to the first IDAT.
  std::optional<Finding> ReadHeader() {
    for (at_ = kSignatureBytes;;) {
      const std::optional<PngChunk> chunk = ReadPngChunk(file_, at_);
      if (!chunk || !IsPngChunkType(chunk->type) || (!chunk->whole && chunk->type != "IDAT")) {
        const bool ended = !chunk || IsPngChunkType(chunk->type);
        // A length that was overwritten hides what follows, and loses none of it.
        if (rules_.shape() && FindPixels()) break;
        return ended ? At(ErrorCode::kTruncated, "the PNG ends before its pixels", file_.size(), 1)
                     : At(ErrorCode::kCorrupt, "what should be a PNG chunk is none", at_, 1);
      }
      if (chunk->type == "IDAT") break;
      if (!chunk->crc_ok) {
        auto wrong = fmt::format("the checksum of its {} chunk is wrong", chunk->type);
        if (IsCritical(chunk->type)) return At(ErrorCode::kBadCrc, std::move(wrong), at_);
        NoteStrict(std::move(wrong), at_);
      }
      if (auto wrong = Check(*chunk)) return wrong;
      if (chunk->type == "fcTL") frames_read_ = 1;  // the picture is the animation's first frame
      NoteExif(*chunk);
      at_ = chunk->end;
    }
    if (!rules_.shape()) {
      return At(ErrorCode::kCorrupt, "the PNG has pixels and no header", at_, 1);
    }
    shape_ = *rules_.shape();
    // The checksum says that it was written so.
    if (shape_.bits == 0) {
      return At(ErrorCode::kUnsupportedFormat, "a PNG of an unknown colour type and depth",
                kSignatureBytes);
    }
    frames_ = rules_.frames().value_or(0);
    return CheckSides(shape_.width, shape_.height, options_);
  }

  // A whole IDAT from here on; at_ is then its place.
  bool FindPixels() {
    // Each costs a checksum of as many bytes as it claims.
    constexpr int kMaxTries = 8;
    const std::string_view text(reinterpret_cast<const char*>(file_.data()), file_.size());
    int tries = 0;
    for (std::size_t at = text.find("IDAT", at_); at != std::string_view::npos && tries < kMaxTries;
         at = text.find("IDAT", at + 1)) {
      if (at < 4 + kSignatureBytes) continue;
      ++tries;
      const std::optional<PngChunk> chunk = ReadPngChunk(file_, at - 4);
      if (!chunk || !chunk->whole || !chunk->crc_ok) continue;
      NoteSign("between its header and its pixels the PNG's chunks are broken", at_);
      at_ = at - 4;
      return true;
    }
    return false;
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
        if (auto wrong = Check(*chunk)) return wrong;
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
      // Every byte is what was written, and all rows are there: it was written so.
      if (fault->checksum && !bad_crc && !cut && rows.complete()) {
        NoteSign("the checksum within the PNG's data is wrong, those around it are right",
                 fault->offset);
        return std::nullopt;
      }
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
      if (bad_crc) return At(ErrorCode::kBadCrc, "the checksum of its data is wrong", *bad_crc);
      NoteSign("the PNG's data does not end where its rows do, and the file does", data_end);
      return std::nullopt;
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
        if (auto missing = CheckFrames(ErrorCode::kTruncated)) return missing;
        NoteStrict(fmt::format("the file ends within its {} chunk", chunk->type), file_.size());
        return std::nullopt;
      }
      if (chunk->wrong_crc()) {
        // A frame's place and what it does to the frame before have no other checksum.
        if (chunk->type == "fcTL" && frames_ > 0) {
          NoteSign("the checksum of an animation's frame is wrong", at_);
        }
        NoteStrict(fmt::format("the checksum of its {} chunk is wrong", chunk->type), at_);
      }
      if (auto wrong = Check(*chunk)) return wrong;
      NoteExif(*chunk);
      at_ = chunk->end;
      constexpr std::size_t kControlBytes = 26;
      if (chunk->type != "fcTL" || frames_ == 0 || chunk->data.size() < kControlBytes) continue;
      if (auto wrong = ReadFrame(*chunk)) return wrong;
    }
  }

  std::optional<Finding> ReadEnd(const PngChunk& end) {
    // The file is whole: it was written with fewer.
    NoteSign(CheckFrames(ErrorCode::kSuspicious));
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
  std::optional<Finding> sign_;
  std::optional<Finding> strict_;
};

}  // namespace

std::optional<Finding> InspectPng(FileBytes file, const InspectOptions& options) {
  return PngInspector(file, options).Run();
}

}  // namespace millrace
