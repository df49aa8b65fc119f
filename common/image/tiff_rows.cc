#include "common/image/tiff_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string_view>

#include "common/image/tiff_deflate.h"
#include "common/image/tiff_file.h"

namespace millrace {
namespace {

// Sums up what is lost.
class Losses {
 public:
  explicit Losses(const TiffFrame& frame)
      : all_(static_cast<double>(frame.width) * static_cast<double>(frame.height) *
             frame.planes()) {}

  void Add(ErrorCode code, std::string what, std::optional<std::uint64_t> offset, double pixels) {
    const bool sign = damage_ && damage_->code == ErrorCode::kSuspicious;
    if (!damage_ || (sign && code != ErrorCode::kSuspicious)) {
      damage_ = TiffDamage{code, std::move(what), offset, 0};
    }
    damage_->lost = std::min(1.0, damage_->lost + pixels / all_);
  }
  [[nodiscard]] bool any() const { return damage_.has_value(); }
  std::optional<TiffDamage> Take() { return std::move(damage_); }

 private:
  double all_;
  std::optional<TiffDamage> damage_;
};

// Blocks of rows: strips, whose width is the picture's, or tiles.
struct Blocks {
  bool tiled = false;
  std::int64_t width = 0;
  std::int64_t height = 0;
};

// Nothing where a block has no area.
std::optional<Blocks> Checked(bool tiled, std::uint64_t width, std::uint64_t height,
                              const TiffFrame& frame) {
  constexpr std::uint64_t kMost = INT32_MAX;
  if (!tiled) height = std::min(height, static_cast<std::uint64_t>(frame.height));
  if (width == 0 || height == 0 || width > kMost || height > kMost) return std::nullopt;
  return Blocks{tiled, static_cast<std::int64_t>(width), static_cast<std::int64_t>(height)};
}

std::optional<Blocks> BlocksOf(const TiffDirectory& directory, const TiffFrame& frame) {
  if (!directory.Has(TiffTag::kStripOffsets) && directory.Has(TiffTag::kTileOffsets)) {
    return Checked(true, directory.Number(TiffTag::kTileWidth).value_or(0),
                   directory.Number(TiffTag::kTileHeight).value_or(0), frame);
  }
  if (directory.IsOdd(TiffTag::kRowsPerStrip)) return std::nullopt;
  return Checked(
      false, static_cast<std::uint64_t>(frame.width),
      directory.Number(TiffTag::kRowsPerStrip).value_or(static_cast<std::uint64_t>(frame.height)),
      frame);
}

// As Pillow's raw decoder has them: one block after the other, whole rows only, and whatever the
// file says of the blocks' sizes in bytes.
std::optional<TiffDamage> ReadUncompressed(FileBytes file, const TiffDirectory& directory,
                                           const TiffFrame& frame, const Blocks& blocks,
                                           const TiffRowSink& sink) {
  Losses losses(frame);
  std::vector<std::uint64_t> offsets =
      directory.Numbers(blocks.tiled ? TiffTag::kTileOffsets : TiffTag::kStripOffsets);
  // Where every block is the whole picture, Pillow takes the last one.
  if (blocks.width == frame.width && blocks.height == frame.height && !frame.planar &&
      !offsets.empty()) {
    offsets.erase(offsets.begin(), offsets.end() - 1);
  }
  const std::uint64_t pixel_bits = static_cast<std::uint64_t>(frame.samples.bits) *
                                   (frame.planar ? 1U : static_cast<unsigned>(frame.samples.count));
  const std::uint64_t stride = (static_cast<std::uint64_t>(blocks.width) * pixel_bits + 7) / 8;
  std::size_t index = 0;
  // Blocks beyond those that the picture needs begin it anew, as in Pillow.
  for (int plane = 0; plane < frame.planes() || (!frame.planar && index < offsets.size());
       ++plane) {
    for (std::int64_t y = 0; y < frame.height; y += blocks.height) {
      for (std::int64_t x = 0; x < frame.width; x += blocks.width, ++index) {
        const std::int64_t width = std::min(blocks.width, frame.width - x);
        const std::int64_t height = std::min(blocks.height, frame.height - y);
        if (index >= offsets.size()) {
          if (plane >= frame.planes()) return losses.Take();
          losses.Add(ErrorCode::kCorrupt, "the TIFF's directory does not say where all rows are",
                     std::nullopt, static_cast<double>(width * height));
          continue;
        }
        const std::uint64_t row_bytes = (static_cast<std::uint64_t>(width) * pixel_bits + 7) / 8;
        const std::uint64_t at = offsets[index];
        for (std::int64_t row = 0; row < height; ++row) {
          const std::uint64_t from = at + static_cast<std::uint64_t>(row) * stride;
          if (at > file.size() || from > file.size() || file.size() - from < row_bytes) {
            losses.Add(ErrorCode::kTruncated,
                       fmt::format("the TIFF ends before row {} of {}", y + row, frame.height),
                       file.size(), static_cast<double>(width * (height - row)));
            break;
          }
          sink(plane % frame.planes(), static_cast<int>(x), static_cast<int>(y + row),
               static_cast<int>(width), reinterpret_cast<const std::uint8_t*>(file.data()) + from);
        }
      }
    }
  }
  if (index < offsets.size()) {
    losses.Add(ErrorCode::kSuspicious, "the TIFF has more blocks than its planes need",
               std::nullopt, 0);
  }
  return losses.Take();
}

// Where the file has block `index`, for reports.
class BlockPlaces {
 public:
  BlockPlaces(const TiffDirectory& directory, const Blocks& blocks, std::size_t file_size)
      : offsets_(directory.Numbers(blocks.tiled ? TiffTag::kTileOffsets : TiffTag::kStripOffsets)),
        sizes_(
            directory.Numbers(blocks.tiled ? TiffTag::kTileByteCounts : TiffTag::kStripByteCounts)),
        file_size_(file_size) {}

  // Whether the file ends before the block does.
  [[nodiscard]] bool Cut(std::size_t index) const {
    if (index >= offsets_.size() || index >= sizes_.size()) return false;
    return offsets_[index] >= file_size_ || file_size_ - offsets_[index] < sizes_[index];
  }
  // The block's bytes, as far as the file has them; nothing where the directory does not tell.
  [[nodiscard]] std::optional<FileBytes> Bytes(FileBytes file, std::size_t index) const {
    if (index >= offsets_.size() || index >= sizes_.size()) return std::nullopt;
    const auto at = static_cast<std::size_t>(std::min<std::uint64_t>(offsets_[index], file.size()));
    return file.subspan(
        at, static_cast<std::size_t>(std::min<std::uint64_t>(sizes_[index], file.size() - at)));
  }
  [[nodiscard]] bool complete(std::size_t count) const {
    return offsets_.size() >= count && sizes_.size() >= count;
  }
  [[nodiscard]] std::optional<std::uint64_t> At(std::size_t index) const {
    if (index >= offsets_.size()) return std::nullopt;
    return std::min<std::uint64_t>(offsets_[index], file_size_);
  }

 private:
  std::vector<std::uint64_t> offsets_;
  std::vector<std::uint64_t> sizes_;
  std::size_t file_size_;
};

// Rows `begin` to `end` of a strip, until one does not decode.
void ReadStripRows(TiffFile& tiff, const TiffFrame& frame, int plane, std::int64_t begin,
                   std::int64_t end, std::size_t index, const BlockPlaces& places,
                   const TiffRowSink& sink, Losses* losses) {
  std::vector<std::uint8_t> row(tiff.RowBytes());
  for (std::int64_t y = begin; y < end; ++y) {
    if (!tiff.ReadRow(row.data(), static_cast<std::uint32_t>(y), plane)) {
      losses->Add(places.Cut(index) ? ErrorCode::kTruncated : ErrorCode::kCorrupt,
                  fmt::format("row {} of {} does not decode: {}", y, frame.height, tiff.message()),
                  places.At(index), static_cast<double>((end - y) * frame.width));
      return;
    }
    sink(plane, 0, static_cast<int>(y), static_cast<int>(frame.width), row.data());
  }
}

// Whole strips, for runs may go on from one row to the next; of one that is larger than `memory` or
// does not decode, row by row.
void ReadStrips(TiffFile& tiff, const TiffFrame& frame, const Blocks& blocks, std::int64_t memory,
                const BlockPlaces& places, const TiffRowSink& sink, Losses* losses) {
  const std::size_t row_bytes = tiff.RowBytes();
  const std::size_t strip_bytes = row_bytes * static_cast<std::size_t>(blocks.height);
  const bool whole = strip_bytes <= static_cast<std::size_t>(memory);
  std::vector<std::uint8_t> rows(whole ? strip_bytes : 0);
  const std::int64_t strips = (frame.height + blocks.height - 1) / blocks.height;
  for (int plane = 0; plane < frame.planes(); ++plane) {
    for (std::int64_t strip = 0; strip < strips; ++strip) {
      const std::int64_t begin = strip * blocks.height;
      const std::int64_t end = std::min(begin + blocks.height, frame.height);
      const auto index = static_cast<std::size_t>(strip + plane * strips);
      if (!whole || !tiff.ReadStrip(rows.data(), strip_bytes, static_cast<std::uint32_t>(index))) {
        const bool failed = whole;
        ReadStripRows(tiff, frame, plane, begin, end, index, places, sink, losses);
        if (failed && !losses->any()) {
          losses->Add(places.Cut(index) ? ErrorCode::kTruncated : ErrorCode::kCorrupt,
                      fmt::format("the strip of row {} does not decode: {}", begin, tiff.message()),
                      places.At(index), 0);
        }
        continue;
      }
      for (std::int64_t y = begin; y < end; ++y) {
        sink(plane, 0, static_cast<int>(y), static_cast<int>(frame.width),
             rows.data() + static_cast<std::size_t>(y - begin) * row_bytes);
      }
    }
  }
}

void ReadTiles(TiffFile& tiff, const TiffFrame& frame, const Blocks& blocks,
               const BlockPlaces& places, const TiffRowSink& sink, Losses* losses) {
  std::vector<std::uint8_t> tile(tiff.TileBytes());
  const std::size_t row_bytes = tiff.TileRowBytes();
  std::size_t index = 0;
  for (int plane = 0; plane < frame.planes(); ++plane) {
    for (std::int64_t y = 0; y < frame.height; y += blocks.height) {
      for (std::int64_t x = 0; x < frame.width; x += blocks.width, ++index) {
        const std::int64_t width = std::min(blocks.width, frame.width - x);
        const std::int64_t height = std::min(blocks.height, frame.height - y);
        if (!tiff.ReadTile(tile.data(), static_cast<std::uint32_t>(x),
                           static_cast<std::uint32_t>(y), plane)) {
          losses->Add(places.Cut(index) ? ErrorCode::kTruncated : ErrorCode::kCorrupt,
                      fmt::format("the tile at {},{} does not decode: {}", x, y, tiff.message()),
                      places.At(index), static_cast<double>(width * height));
          continue;
        }
        for (std::int64_t row = 0; row < height; ++row) {
          sink(plane, static_cast<int>(x), static_cast<int>(y + row), static_cast<int>(width),
               tile.data() + static_cast<std::size_t>(row) * row_bytes);
        }
      }
    }
  }
}

void ReadAsRgba(TiffFile& tiff, const TiffFrame& frame, const Blocks& blocks,
                const BlockPlaces& places, const TiffRowSink& sink, Losses* losses) {
  std::vector<std::uint32_t> block(static_cast<std::size_t>(frame.width * blocks.height));
  std::size_t index = 0;
  for (std::int64_t y = 0; y < frame.height; y += blocks.height, ++index) {
    const std::int64_t height = std::min(blocks.height, frame.height - y);
    if (!tiff.ReadRgba(block.data(), static_cast<std::uint32_t>(y),
                       static_cast<std::uint32_t>(height))) {
      losses->Add(places.Cut(index) ? ErrorCode::kTruncated : ErrorCode::kCorrupt,
                  fmt::format("row {} of {} does not decode: {}", y, frame.height, tiff.message()),
                  places.At(index), static_cast<double>(frame.width * height));
      continue;
    }
    for (std::int64_t row = 0; row < height; ++row) {
      sink(0, 0, static_cast<int>(y + row), static_cast<int>(frame.width),
           reinterpret_cast<const std::uint8_t*>(block.data() + row * frame.width));
    }
  }
}

// Blocks across and down, of a plane.
std::int64_t Across(const TiffFrame& frame, const Blocks& blocks) {
  return (frame.width + blocks.width - 1) / blocks.width;
}
std::int64_t Down(const TiffFrame& frame, const Blocks& blocks) {
  return (frame.height + blocks.height - 1) / blocks.height;
}

// Deflated blocks without their rows. A strip at the bottom has those that are left, a tile all.
void JudgeDeflated(FileBytes file, const TiffFile& tiff, const TiffFrame& frame,
                   const Blocks& blocks, const BlockPlaces& places, Losses* losses) {
  std::size_t index = 0;
  bool cut = false;
  for (int plane = 0; plane < frame.planes(); ++plane) {
    for (std::int64_t y = 0; y < frame.height; y += blocks.height) {
      const std::int64_t height = std::min(blocks.height, frame.height - y);
      for (std::int64_t x = 0; x < frame.width; x += blocks.width, ++index) {
        const std::size_t bytes =
            blocks.tiled ? tiff.TileBytes() : tiff.RowBytes() * static_cast<std::size_t>(height);
        const std::size_t most =
            std::max(bytes, tiff.RowBytes() * static_cast<std::size_t>(blocks.height)) + 1;
        const auto damage = CheckDeflated(*places.Bytes(file, index), bytes, most);
        cut = cut || places.Cut(index);
        if (!damage) continue;
        if (!damage->proven) {
          losses->Add(ErrorCode::kSuspicious,
                      fmt::format("the block of row {}: {}", y, damage->what),
                      places.At(index).value_or(0) + damage->offset, 0);
          continue;
        }
        const std::int64_t width = std::min(blocks.width, frame.width - x);
        losses->Add(places.Cut(index) ? ErrorCode::kTruncated : ErrorCode::kCorrupt,
                    fmt::format("the block of row {} does not inflate: {}", y, damage->what),
                    places.At(index).value_or(0) + damage->offset,
                    static_cast<double>(width * height));
      }
    }
  }
  // libtiff does not take a block that goes on behind the file's end, whole or not.
  if (cut && !losses->any()) {
    losses->Add(ErrorCode::kSuspicious,
                "a block's size goes beyond the file's end, its rows do not", file.size(), 0);
  }
}

// Whether what libtiff says of data of this compression is of the data: it was made for them, and
// the data has no kinds that libtiff does not know.
bool IsProof(std::uint64_t compression) {
  static constexpr std::uint64_t kCompressions[] = {
      2, 3, 4, 5, kTiffJpeg, kTiffDeflate, kTiffOldDeflate, 32773, 34925, 50000};
  return std::find(std::begin(kCompressions), std::end(kCompressions), compression) !=
         std::end(kCompressions);
}

// Whether libtiff's words are about what it does not know or expect, rather than about data: slide
// scanners' JPEGs of another size than their tiles, for one.
bool IsOfStructure(std::string_view what) {
  return what.find("Improper JPEG") != std::string_view::npos ||
         what.find("nsupported") != std::string_view::npos ||
         what.find("not supported") != std::string_view::npos ||
         what.find("ot implemented") != std::string_view::npos;
}

// Lines that the fax machine on the other end got wrong are in many a sound file.
bool IsFaxWithoutProof(std::uint64_t compression) { return compression == 2 || compression == 3; }

}  // namespace

bool TiffRowsBigEndian(const TiffDirectory& directory, const TiffFrame& frame) {
  return frame.uncompressed() ? directory.big_endian() : std::endian::native == std::endian::big;
}

std::optional<TiffDamage> ReadTiffRows(FileBytes file, const TiffDirectory& directory,
                                       const TiffFrame& frame, const TiffRowLimits& limits,
                                       const TiffRowSink& sink) {
  const auto no_area = [] {
    return TiffDamage{ErrorCode::kCorrupt, "the TIFF's blocks have no area", {}, 1.0, false};
  };
  if (frame.uncompressed()) {
    const auto blocks = BlocksOf(directory, frame);
    return blocks ? ReadUncompressed(file, directory, frame, *blocks, sink) : no_area();
  }
  if (!TiffFile::Reads(frame.compression)) {
    return TiffDamage{ErrorCode::kUnsupportedFormat,
                      fmt::format("a TIFF of compression {}, which this build's libtiff does not "
                                  "read: convert it to PNG",
                                  frame.compression),
                      {},
                      1.0};
  }
  // libtiff guesses the sizes of blocks where it finds none, but not where they are bad.
  if (directory.WasSkipped(TiffTag::kStripByteCounts) ||
      directory.WasSkipped(TiffTag::kTileByteCounts)) {
    return TiffDamage{ErrorCode::kCorrupt,
                      "the TIFF's directory gives more sizes of blocks than the file has room for",
                      directory.offset(), 1.0, false};
  }
  TiffFile tiff(file, limits.memory);
  if (!tiff.Open(directory.offset(), frame)) {
    return TiffDamage{ErrorCode::kCorrupt, tiff.message(), directory.offset(), 1.0, false};
  }
  const auto blocks = Checked(tiff.tiled(), tiff.BlockWidth(), tiff.BlockHeight(), frame);
  if (!blocks) return no_area();
  Losses losses(frame);
  const BlockPlaces places(directory, *blocks, file.size());
  const std::int64_t count = Across(frame, *blocks) * Down(frame, *blocks) * frame.planes();
  if (limits.judge_only && frame.deflated() && !frame.reversed_data && !frame.as_rgba &&
      places.complete(static_cast<std::size_t>(count))) {
    JudgeDeflated(file, tiff, frame, *blocks, places, &losses);
    return losses.Take();
  }
  if ((blocks->tiled && blocks->width > limits.tile_pixels / blocks->height) ||
      (frame.as_rgba && frame.width > limits.tile_pixels / blocks->height)) {
    return TiffDamage{
        ErrorCode::kTooLarge,
        fmt::format("the TIFF's blocks are of {}x{} pixels", blocks->width, blocks->height),
        {},
        1.0};
  }
  if (frame.as_rgba) {
    ReadAsRgba(tiff, frame, *blocks, places, sink, &losses);
  } else if (blocks->tiled) {
    ReadTiles(tiff, frame, *blocks, places, sink, &losses);
  } else {
    ReadStrips(tiff, frame, *blocks, limits.memory, places, sink, &losses);
  }
  auto damage = losses.Take();
  if (!damage && tiff.complained()) {
    damage = TiffDamage{ErrorCode::kCorrupt, tiff.message(), std::nullopt, 0};
    damage->proven = !IsFaxWithoutProof(frame.compression);
  }
  if (damage && damage->code == ErrorCode::kCorrupt &&
      (!IsProof(frame.compression) || IsOfStructure(damage->what))) {
    damage->proven = false;
  }
  return damage;
}

}  // namespace millrace
