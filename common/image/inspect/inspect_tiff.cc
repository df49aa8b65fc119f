// TIFF: every page. Directories are read as Pillow reads them, compressed rows through libtiff.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

#include "common/image/inspect/inspectors.h"
#include "common/image/tiff_rows.h"

namespace millrace {
namespace {

// Of a tile, or of what libtiff takes at once.
constexpr std::int64_t kMaxTilePixels = 1 << 26;
constexpr std::int64_t kMaxMemory = 1 << 28;

class TiffInspector {
 public:
  TiffInspector(FileBytes file, const TiffHeader& header, const InspectOptions& options)
      : file_(file), header_(header), options_(options) {}

  std::optional<Finding> Inspect() {
    for (std::uint64_t at = header_.first; at != 0;) {
      // Pillow takes a directory that has been for the end, and so ends every loop.
      if (!seen_.insert(at).second) break;
      const auto directory = TiffDirectory::Read(file_, header_, at);
      if (!directory) {
        Finding finding{
            ErrorCode::kTruncated,
            fmt::format("page {} of the TIFF lies behind the end of the file", seen_.size()),
            static_cast<std::int64_t>(file_.size()), First() ? Share(1) : std::nullopt};
        // Directories begin at even bytes: there are programs that write no sound end of the list.
        if (First() || at % 2 == 0) return finding;
        finding.code = ErrorCode::kSuspicious;
        Note(std::move(finding));
        break;
      }
      if (auto finding = Page(*directory)) return finding;
      if (options_.level == InspectLevel::kOpen) return lacking_;
      NoteSubDirectories(*directory);
      at = directory->next();
    }
    if (auto finding = SubDirectories()) return finding;
    if (noted_) return noted_;
    if (lacking_) return lacking_;
    return options_.level == InspectLevel::kStrict ? Strict() : std::nullopt;
  }

 private:
  static std::optional<double> Share(double lost) { return lost; }
  [[nodiscard]] bool First() const { return seen_.size() == 1; }

  std::string Named(const std::string& what) const {
    return First() ? what : fmt::format("page {}: {}", seen_.size(), what);
  }

  // Pages may share their fields' bytes, so that a small file has very many of them.
  bool OverBudget(const TiffDirectory& directory) {
    fields_ += directory.fields() + 1;
    return fields_ > file_.size() / 4 + 4096;
  }

  std::optional<Finding> Page(const TiffDirectory& directory) {
    if (OverBudget(directory)) {
      return Finding{ErrorCode::kTooLarge, "the TIFF's directories overlap each other", {}, {}};
    }
    end_ = std::max(end_, directory.end());
    if (!directory.complete()) broken_ = directory.offset();
    has_others_ = has_others_ || directory.Has(TiffTag::kSubDirectories) ||
                  directory.Has(TiffTag::kExifDirectory) || directory.Has(TiffTag::kGpsDirectory);
    const auto frame = ReadTiffFrame(directory);
    if (!frame) return Unread(directory, frame.error());
    if (frame->samples.lacking != nullptr && !lacking_) {
      lacking_ =
          Finding{ErrorCode::kUnsupportedFormat,
                  Named(fmt::format("its pixels are of a kind (Pillow's mode {}) that is not "
                                    "read here",
                                    frame->samples.lacking)),
                  {},
                  {}};
    }
    if (const char* what = Unwritten(directory, *frame)) {
      Finding finding{ErrorCode::kUnsupportedFormat,
                      Named(what),
                      static_cast<std::int64_t>(directory.offset()),
                      {}};
      if (First()) return finding;
      Note(std::move(finding));
      return std::nullopt;
    }
    if (auto finding = CheckSides(frame->width, frame->height, options_)) {
      finding->what = Named(finding->what);
      return finding;
    }
    if (options_.level == InspectLevel::kOpen) return std::nullopt;
    return Rows(directory, *frame);
  }

  // What is told of where nothing worse is found.
  void Note(Finding finding) {
    finding.lost.reset();
    if (!noted_) noted_ = std::move(finding);
  }

  // A directory that we make no picture of. Programs have tags, and values of them, that we do not
  // know: only where the file ends before what we need is anything lost.
  std::optional<Finding> Unread(const TiffDirectory& directory, const Error& error) {
    Finding finding{
        error.code, Named(error.message), static_cast<std::int64_t>(directory.offset()), {}};
    if (error.code == ErrorCode::kTruncated && directory.EndsEarly()) return finding;
    finding.code = ErrorCode::kUnsupportedFormat;
    if (First()) return finding;
    Note(std::move(finding));
    return std::nullopt;
  }

  // Kinds of which fewer bytes are there than the picture's size says, by intent; nothing for
  // others. Sources: TIFF 6.0, section 21; GDAL's sparse files, whose blocks of no data are neither
  // anywhere nor of any size.
  static const char* Unwritten(const TiffDirectory& directory, const TiffFrame& frame) {
    constexpr std::uint64_t kYCbCr = 6;
    if (frame.uncompressed() && directory.Number(TiffTag::kPhotometric) == kYCbCr &&
        frame.samples.count == 3) {
      const auto steps = directory.Numbers(TiffTag::kSubsampling);  // by default 2 and 2
      if (steps.size() < 2 || steps[0] != 1 || steps[1] != 1) {
        return "a TIFF with subsampled colours, which are not read here";
      }
    }
    for (const auto& [offsets_tag, sizes_tag] :
         {std::pair(TiffTag::kStripOffsets, TiffTag::kStripByteCounts),
          std::pair(TiffTag::kTileOffsets, TiffTag::kTileByteCounts)}) {
      const auto offsets = directory.Numbers(offsets_tag);
      const auto sizes = directory.Numbers(sizes_tag);
      for (std::size_t i = 0; i < std::min(offsets.size(), sizes.size()); ++i) {
        if (offsets[i] == 0 && sizes[i] == 0) {
          return "a sparse TIFF, some of whose blocks were not written";
        }
      }
    }
    return nullptr;
  }

  void NoteSubDirectories(const TiffDirectory& directory) {
    constexpr std::size_t kMost = 1024;
    for (const std::uint64_t at : directory.Numbers(TiffTag::kSubDirectories)) {
      if (waiting_.size() < kMost) waiting_.push_back(at);
    }
  }

  // Pages below the others, which Pillow does not look at: smaller copies, masks.
  std::optional<Finding> SubDirectories() {
    while (!waiting_.empty()) {
      const std::uint64_t at = waiting_.back();
      waiting_.pop_back();
      if (at == 0 || !seen_.insert(at).second) continue;
      const auto directory = TiffDirectory::Read(file_, header_, at);
      if (!directory) {
        Note({ErrorCode::kSuspicious,
              "a directory of the TIFF lies behind the end of the file",
              static_cast<std::int64_t>(file_.size()),
              {}});
        continue;
      }
      if (auto finding = Page(*directory)) return finding;
      NoteSubDirectories(*directory);
    }
    return std::nullopt;
  }

  std::optional<Finding> Rows(const TiffDirectory& directory, const TiffFrame& frame) {
    if (!frame.uncompressed()) {
      pixels_ += frame.width * frame.height;
      if (pixels_ > options_.max_total_pixels) {
        return Finding{ErrorCode::kTooLarge, "the TIFF's pages have too many pixels", {}, {}};
      }
    }
    CountBlocks(directory, TiffTag::kStripOffsets, TiffTag::kStripByteCounts);
    CountBlocks(directory, TiffTag::kTileOffsets, TiffTag::kTileByteCounts);
    const TiffRowLimits limits{
        .tile_pixels = kMaxTilePixels, .memory = kMaxMemory, .judge_only = true};
    const auto damage = ReadTiffRows(file_, directory, frame, limits,
                                     [](int, int, int, int, const std::uint8_t*) {});
    if (!damage) return std::nullopt;
    Finding finding{damage->code, Named(damage->what), std::nullopt, std::nullopt};
    if (damage->offset) finding.offset = static_cast<std::int64_t>(*damage->offset);
    if (First() && damage->lost > 0) finding.lost = damage->lost;
    // Rows that libtiff gives, with a word about them; or none.
    if (!damage->proven) {
      finding.code = damage->lost > 0 ? ErrorCode::kUnsupportedFormat : ErrorCode::kSuspicious;
    }
    // The file ends within its directory: behind the rows, or they cannot be found.
    if (!damage->proven && !directory.complete()) {
      const bool found =
          directory.Has(TiffTag::kStripOffsets) || directory.Has(TiffTag::kTileOffsets);
      finding.code = found ? ErrorCode::kSuspicious : ErrorCode::kTruncated;
      if (found) finding.lost.reset();
    }
    if (finding.code == ErrorCode::kSuspicious) {
      Note(std::move(finding));
      return std::nullopt;
    }
    if (finding.code == ErrorCode::kUnsupportedFormat || finding.code == ErrorCode::kTooLarge) {
      finding.lost.reset();
      if (!First()) {
        Note(std::move(finding));
        return std::nullopt;
      }
    }
    return finding;
  }

  void CountBlocks(const TiffDirectory& directory, TiffTag offsets_tag, TiffTag sizes_tag) {
    if (options_.level != InspectLevel::kStrict) return;
    const auto offsets = directory.Numbers(offsets_tag);
    const auto sizes = directory.Numbers(sizes_tag);
    if (offsets.size() != sizes.size()) has_others_ = true;
    for (std::size_t i = 0; i < std::min(offsets.size(), sizes.size()); ++i) {
      if (offsets[i] < file_.size()) end_ = std::max(end_, offsets[i] + sizes[i]);
    }
  }

  // Where directories exist that are not followed, nothing is said of the file's end.
  std::optional<Finding> Strict() const {
    if (broken_) {
      return Finding{ErrorCode::kBadMetadata,
                     "the file ends within the fields of a TIFF directory",
                     static_cast<std::int64_t>(*broken_),
                     {}};
    }
    // Pillow begins each page at a multiple of 16.
    constexpr std::uint64_t kPadding = 15;
    const FileBytes rest =
        file_.subspan(static_cast<std::size_t>(std::min<std::uint64_t>(end_, file_.size())));
    const bool padding =
        rest.size() <= kPadding &&
        std::all_of(rest.begin(), rest.end(), [](std::byte byte) { return byte == std::byte{0}; });
    if (!has_others_ && !padding) {
      return Finding{
          ErrorCode::kTrailingData,
          fmt::format("{} bytes behind what the TIFF's directories point at", rest.size()),
          static_cast<std::int64_t>(end_),
          {}};
    }
    return std::nullopt;
  }

  FileBytes file_;
  TiffHeader header_;
  const InspectOptions& options_;
  std::unordered_set<std::uint64_t> seen_;
  std::uint64_t fields_ = 0;
  std::int64_t pixels_ = 0;
  std::uint64_t end_ = 0;                // of all that was pointed at
  bool has_others_ = false;              // directories that are not followed
  std::optional<std::uint64_t> broken_;  // a directory within which the file ends
  std::optional<Finding> noted_;         // of a page behind the first, or a sign of damage
  std::optional<Finding> lacking_;       // of a page whose pixels have no place here
  std::vector<std::uint64_t> waiting_;   // directories below those that were seen
};

}  // namespace

std::optional<Finding> InspectTiff(FileBytes file, const InspectOptions& options) {
  const auto header = ReadTiffHeader(file);
  if (!header) {
    return Finding{ErrorCode::kTruncated, "the TIFF ends within its header",
                   static_cast<std::int64_t>(file.size()), 1.0};
  }
  if (header->first == 0) {
    return Finding{ErrorCode::kUnsupportedFormat, "the TIFF has no directory", 4, {}};
  }
  return TiffInspector(file, *header, options).Inspect();
}

}  // namespace millrace
