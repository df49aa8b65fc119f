// JPEG: what our own reader (common/image/jpeg) found, and what that means for the file.
//
// Only two readers together call a JPEG broken, since such files may be deleted: what ours found
// broken and libjpeg reads without a complaint is suspicious.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/image/inspect/inspectors.h"
#include "common/image/inspect/jpeg_header.h"
#include "common/image/inspect/libjpeg_walk.h"
#include "common/image/jpeg/jpeg_reader.h"

namespace millrace {
namespace {

// libjpeg's JPEG_MAX_DIMENSION, which is below what the format can say.
constexpr std::int64_t kMaxSide = 65500;

struct Judged {
  std::optional<Finding> finding;
  std::size_t end = 0;  // of the picture
};

Finding Unsupported(const char* kind) {
  return {ErrorCode::kUnsupportedFormat,
          fmt::format("{}, which this build does not read", kind),
          {},
          {}};
}

Finding Of(ErrorCode code, const JpegTrouble& trouble, std::optional<double> lost = {}) {
  std::optional<std::int64_t> offset;
  if (!trouble.seam) offset = static_cast<std::int64_t>(trouble.offset);
  return {code, fmt::format("JPEG: {}", trouble.Text()), offset, lost};
}

// What of the whole file libjpeg was told begins at `begin`.
std::optional<Finding> Moved(std::optional<Finding> finding, std::size_t begin) {
  if (finding && finding->offset) *finding->offset += static_cast<std::int64_t>(begin);
  return finding;
}

Judged JudgeArithmetic(FileBytes file, std::size_t begin, const InspectOptions& options) {
  const LibjpegOpinion opinion = AskLibjpeg(file.subspan(begin));
  Judged judged{Moved(opinion.broken, begin), begin + opinion.end};
  if (!judged.finding && options.level == InspectLevel::kStrict) {
    judged.finding = Moved(opinion.odd, begin);
  }
  return judged;
}

Finding Confirmed(FileBytes file, std::size_t begin, const JpegReading& reading) {
  const bool truncated = reading.verdict == JpegReading::Verdict::kTruncated;
  const LibjpegOpinion second = AskLibjpeg(file.subspan(begin));
  // That a file ends needs no second opinion.
  if (second.broken && (!second.costly || truncated)) {
    return Of(truncated ? ErrorCode::kTruncated : ErrorCode::kCorrupt, reading.damage,
              reading.lost);
  }
  return Of(ErrorCode::kSuspicious, reading.damage);
}

// The picture that begins at `begin`.
Judged Judge(FileBytes file, std::size_t begin, const InspectOptions& options) {
  const JpegReading reading =
      ReadJpeg(file, begin, {.max_scans = kMaxJpegScans, .max_pixels = options.max_pixels});
  Judged judged{std::nullopt, reading.end};
  switch (reading.verdict) {
    case JpegReading::Verdict::kNotTaken:
      if (reading.arithmetic) {
        if ((judged.finding = CheckSides(reading.width, reading.height, options))) return judged;
        return JudgeArithmetic(file, begin, options);
      }
      judged.finding = Unsupported(reading.kind);
      return judged;
    case JpegReading::Verdict::kCostly:
      if ((judged.finding = CheckSides(reading.width, reading.height, options))) return judged;
      judged.finding = Finding{ErrorCode::kTooLarge,
                               fmt::format("the JPEG has more than {} scans", kMaxJpegScans),
                               {},
                               {}};
      return judged;
    default:
      break;
  }
  if (reading.height > 0) {
    if ((judged.finding = CheckSides(reading.width, reading.height, options))) return judged;
  }
  if (reading.width > kMaxSide || reading.height > kMaxSide) {
    judged.finding = Finding{ErrorCode::kTooLarge,
                             fmt::format("a JPEG of {}x{} pixels: libjpeg reads {} a side",
                                         reading.width, reading.height, kMaxSide),
                             {},
                             {}};
  } else if (reading.sample_bits != 8) {
    judged.finding = Unsupported("a JPEG of 12 bits a sample");
  } else if (reading.fractional_sampling) {
    judged.finding = Unsupported("a JPEG of which the sampling factors do not divide each other");
  } else if (reading.height_follows && reading.height > 0) {
    judged.finding = Unsupported("a JPEG of which the height follows its data (DNL)");
  } else if (reading.verdict != JpegReading::Verdict::kWhole) {
    judged.finding = Confirmed(file, begin, reading);
  } else if (reading.suspicious) {
    judged.finding = Of(ErrorCode::kSuspicious, *reading.suspicious);
  } else if (reading.odd && options.level == InspectLevel::kStrict) {
    judged.finding = Of(ErrorCode::kSuspicious, *reading.odd);
  }
  return judged;
}

// Worse codes first, in the order of inspect.h.
int RankOf(const std::optional<Finding>& finding) {
  if (!finding) return 4;
  switch (finding->code) {
    case ErrorCode::kTruncated:
    case ErrorCode::kCorrupt:
      return 0;
    case ErrorCode::kUnsupportedFormat:
    case ErrorCode::kTooLarge:
      return 1;
    case ErrorCode::kSuspicious:
      return 2;
    default:
      return 3;
  }
}

bool BeginsAt(FileBytes file, std::size_t at) {
  return at <= file.size() && file.size() - at >= 3 && file[at] == std::byte{0xFF} &&
         file[at + 1] == std::byte{0xD8} && file[at + 2] == std::byte{0xFF};
}

// The pictures behind the first one. Programs that change the first one often leave an index behind
// that fits no more, or leave out the others: where no picture begins, none is missed.
std::optional<Finding> JudgeOthers(FileBytes file, std::size_t end, const MultiPictureIndex& index,
                                   const InspectOptions& options, std::optional<Finding> worst) {
  for (std::size_t i = 0; i < index.begins.size(); ++i) {
    std::size_t begin = index.begins[i];
    if (begin < end || !BeginsAt(file, begin)) begin = end;
    if (!BeginsAt(file, begin)) {
      if (options.level == InspectLevel::kStrict && !worst) {
        worst = Finding{ErrorCode::kBadMetadata,
                        fmt::format("the file's index has {} pictures, and number {} is not there",
                                    index.begins.size() + 1, i + 2),
                        {},
                        {}};
      }
      break;
    }
    Judged judged = Judge(file, begin, options);
    if (RankOf(judged.finding) < RankOf(worst)) {
      worst = std::move(judged.finding);
      worst->what =
          fmt::format("picture {} of {}: {}", i + 2, index.begins.size() + 1, worst->what);
      // Of the first picture nothing is lost.
      if (worst->lost) worst->lost = 0;
    }
    end = std::max(end, judged.end);
  }
  return worst;
}

}  // namespace

std::optional<Finding> InspectJpeg(FileBytes file, const InspectOptions& options) {
  JpegHeaderFindings header = CheckJpegHeader(file, options);
  if (header.broken || options.level == InspectLevel::kOpen) return std::move(header.broken);
  Judged first = Judge(file, 0, options);
  if (header.pictures) {
    first.finding =
        JudgeOthers(file, first.end, *header.pictures, options, std::move(first.finding));
  }
  if (first.finding) return std::move(first.finding);
  if (header.metadata) return std::move(header.metadata);
  if (header.pictures) return std::nullopt;
  return CheckTrailing(file, first.end, options);
}

}  // namespace millrace
