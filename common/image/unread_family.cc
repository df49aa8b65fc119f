#include "common/image/unread_family.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "common/image/byte_order.h"
#include "common/image/tiff_directory.h"

namespace millrace {
namespace {

using Reads = UnreadFamily::Reads;

bool HasAt(FileBytes file, std::size_t at, std::string_view wanted) {
  return at <= file.size() && file.size() - at >= wanted.size() &&
         std::equal(wanted.begin(), wanted.end(), file.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

// The maker's name as a camera writes it, and what its raw photos are called.
std::string RawPhotoOf(std::string_view maker) {
  struct Maker {
    std::string_view begins;
    std::string_view what;
  };
  static constexpr Maker kMakers[] = {
      {"Canon", "a Canon raw photo (CR2)"},
      {"NIKON", "a Nikon raw photo (NEF)"},
      {"SONY", "a Sony raw photo (ARW)"},
      {"PENTAX", "a Pentax raw photo (PEF)"},
      {"RICOH", "a Pentax raw photo (PEF)"},
      {"OLYMPUS", "an Olympus raw photo (ORF)"},
      {"OM Digital", "an Olympus raw photo (ORF)"},
      {"Panasonic", "a Panasonic raw photo (RW2)"},
      {"LEICA", "a Leica raw photo"},
      {"SAMSUNG", "a Samsung raw photo (SRW)"},
      {"Hasselblad", "a Hasselblad raw photo (3FR)"},
      {"Phase One", "a Phase One raw photo (IIQ)"},
      {"Leaf", "a Leaf raw photo (MOS)"},
      {"EPSON", "an Epson raw photo (ERF)"},
      {"Mamiya", "a Mamiya raw photo (MEF)"},
      {"KODAK", "a Kodak raw photo (DCR)"},
      {"EASTMAN KODAK", "a Kodak raw photo (DCR)"},
  };
  for (const Maker& known : kMakers) {
    if (std::equal(known.begins.begin(), known.begins.end(), maker.begin(),
                   maker.begin() +
                       static_cast<std::ptrdiff_t>(std::min(maker.size(), known.begins.size())),
                   [](char a, char b) { return (a | 0x20) == (b | 0x20); })) {
      return std::string(known.what);
    }
  }
  return "a camera's raw photo";
}

// A sensor's values, in a colour filter's mosaic or as the camera has mixed them (the TIFF/EP and
// DNG specifications).
bool IsRawPhotometric(std::uint64_t photometric) {
  constexpr std::uint64_t kColorFilterArray = 32803;
  constexpr std::uint64_t kLinearRaw = 34892;
  return photometric == kColorFilterArray || photometric == kLinearRaw;
}

// Compressions that raw photos alone have: Kodak, Sony, Samsung, Kodak, Nikon, lossy DNG, Pentax.
bool IsRawCompression(std::uint64_t compression) {
  static constexpr std::uint64_t kCompressions[] = {262, 32767, 32770, 32867, 34713, 34892, 65535};
  return std::find(std::begin(kCompressions), std::end(kCompressions), compression) !=
         std::end(kCompressions);
}

// Whose compression it is, where the file does not name its maker.
std::string_view MakerOf(std::uint64_t compression) {
  constexpr std::uint64_t kSony = 32767;
  constexpr std::uint64_t kSamsung = 32770;
  constexpr std::uint64_t kNikon = 34713;
  constexpr std::uint64_t kPentax = 65535;
  if (compression == kSony) return "SONY";
  if (compression == kSamsung) return "SAMSUNG";
  if (compression == kNikon) return "NIKON";
  return compression == kPentax ? "PENTAX" : "";
}

// The directories of a TIFF, those of tag 330 among them.
class TiffPages {
 public:
  TiffPages(FileBytes file, const TiffHeader& header) : file_(file), header_(header) {}

  void Visit() {
    std::vector<std::uint64_t> waiting = {header_.first};
    while (!waiting.empty() && seen_.size() < kMaxDirectories) {
      const std::uint64_t at = waiting.back();
      waiting.pop_back();
      if (at == 0 || !seen_.insert(at).second) continue;
      const auto directory = TiffDirectory::Read(file_, header_, at);
      if (!directory) continue;
      // Directories may share their bytes, so that a small file has very many fields.
      fields_ += directory->fields() + 1;
      if (fields_ > file_.size() / 4 + 4096) return;
      Look(*directory, seen_.size() == 1);
      waiting.push_back(directory->next());
      const auto below = directory->Numbers(TiffTag::kSubDirectories);
      has_sub_directories_ = has_sub_directories_ || !below.empty();
      for (std::size_t i = 0; i < std::min(below.size(), kMaxDirectories); ++i) {
        waiting.push_back(below[i]);
      }
    }
  }

  [[nodiscard]] std::optional<UnreadFamily> Family() const {
    using namespace std::string_view_literals;
    // Between the header and the first directory, at 16: its maker's mark.
    if (header_.first == 16 && HasAt(file_, 8, "CR\2\0"sv)) {
      return UnreadFamily{RawPhotoOf("Canon"), Reads::kNothing};
    }
    const auto reads = first_is_raw_ || first_has_no_size_ ? Reads::kNothing : Reads::kPreview;
    if (dng_ && (raw_ || has_sub_directories_)) return UnreadFamily{"a DNG raw photo", reads};
    if (raw_)
      return UnreadFamily{RawPhotoOf(maker_.empty() ? MakerOf(compression_) : maker_), reads};
    // The first directory of such a raw names a JPEG, or lies in tags of its maker's own.
    if (first_has_no_size_ && !maker_.empty()) {
      return UnreadFamily{RawPhotoOf(maker_), Reads::kNothing};
    }
    if (layers_) {
      return UnreadFamily{"a TIFF with Photoshop's layers behind its picture", Reads::kPicture};
    }
    return std::nullopt;
  }

 private:
  static constexpr std::size_t kMaxDirectories = 64;

  void Look(const TiffDirectory& directory, bool first) {
    const bool raw = IsRawPhotometric(directory.Number(TiffTag::kPhotometric).value_or(0)) ||
                     IsRawCompression(directory.Number(TiffTag::kCompression).value_or(0));
    raw_ = raw_ || raw;
    if (raw) compression_ = directory.Number(TiffTag::kCompression).value_or(0);
    dng_ = dng_ || directory.HasAny(TiffTag::kDngVersion);
    if (maker_.empty()) maker_ = directory.Text(TiffTag::kMake);
    if (!first) return;
    first_is_raw_ = raw;
    first_has_no_size_ = !directory.Has(TiffTag::kWidth) || !directory.Has(TiffTag::kHeight);
    layers_ = directory.HasAny(TiffTag::kImageSourceData);
  }

  FileBytes file_;
  TiffHeader header_;
  std::unordered_set<std::uint64_t> seen_;
  std::uint64_t fields_ = 0;
  bool raw_ = false;
  std::uint64_t compression_ = 0;  // of the raw data
  bool dng_ = false;
  bool layers_ = false;
  bool has_sub_directories_ = false;
  bool first_is_raw_ = false;
  bool first_has_no_size_ = false;
  std::string maker_;
};

std::optional<UnreadFamily> FindInTiff(FileBytes file) {
  const auto header = ReadTiffHeader(file);
  if (!header) return std::nullopt;
  TiffPages pages(file, *header);
  pages.Visit();
  return pages.Family();
}

// Raw photos with a signature of their own.
std::optional<UnreadFamily> FindRaw(FileBytes file) {
  using namespace std::string_view_literals;
  static constexpr std::pair<std::string_view, std::string_view> kSignatures[] = {
      {"IIRO"sv, "an Olympus raw photo (ORF)"sv},
      {"IIRS"sv, "an Olympus raw photo (ORF)"sv},
      {"MMOR"sv, "an Olympus raw photo (ORF)"sv},
      {"IIU\0"sv, "a Panasonic raw photo (RW2)"sv},
      {"FUJIFILMCCD-RAW"sv, "a Fujifilm raw photo (RAF)"sv},
      {"FOVb"sv, "a Sigma raw photo (X3F)"sv},
      {"\0MRM"sv, "a Minolta raw photo (MRW)"sv},
  };
  for (const auto& [bytes, what] : kSignatures) {
    if (HasAt(file, 0, bytes)) return UnreadFamily{std::string(what), Reads::kNothing};
  }
  if (HasAt(file, 6, "HEAPCCDR")) {
    return UnreadFamily{"a Canon raw photo (CRW)", Reads::kNothing};
  }
  if (HasAt(file, 4, "ftypcrx ")) {
    return UnreadFamily{"a Canon raw photo (CR3)", Reads::kNothing};
  }
  return std::nullopt;
}

// What a JPEG's frame header is called whose data no decoder here takes (ISO/IEC 10918-1, table
// B.1; 14495-1 for F7).
const char* UnreadFrame(unsigned marker) {
  switch (marker) {
    case 0xC3:
      return "a lossless JPEG";
    case 0xC5:
    case 0xC6:
    case 0xC7:
    case 0xCD:
    case 0xCE:
    case 0xCF:
      return "a hierarchical JPEG";
    case 0xCB:
      return "a lossless, arithmetic-coded JPEG";
    case 0xF7:
      return "a JPEG-LS";
    default:
      return nullptr;
  }
}

// Whether an APP11 segment's box is of JPEG XT (ISO/IEC 18477): the data that makes more than the
// picture that every decoder sees. Other boxes (JUMBF) tell where a picture comes from.
bool IsJpegXt(FileBytes segment) {
  constexpr std::size_t kTypeAt = 12;  // behind "JP", two numbers and the box's length
  if (!HasAt(segment, 0, "JP")) return false;
  for (const char* type : {"RESI", "RFIN", "RESC", "ALFA", "ARFI", "AESC", "RFIX"}) {
    if (HasAt(segment, kTypeAt, type)) return true;
  }
  return false;
}

std::optional<UnreadFamily> FindInJpeg(FileBytes file) {
  bool extended = false;
  std::size_t at = 2;
  while (file.size() - at >= 4 && file[at] == std::byte{0xFF}) {
    const auto marker = std::to_integer<unsigned>(file[at + 1]);
    if (marker == 0xFF) {
      ++at;
      continue;
    }
    if (marker == 0xDE) return UnreadFamily{"a hierarchical JPEG", Reads::kNothing};
    if (const char* what = UnreadFrame(marker)) return UnreadFamily{what, Reads::kNothing};
    const std::size_t length = static_cast<std::size_t>(BigEndian(file, at + 2, 2));
    if (marker < 0xC0 || marker == 0xDA || length < 2 || length > file.size() - at - 2) break;
    if (marker == 0xEB) extended = extended || IsJpegXt(file.subspan(at + 4, length - 2));
    at += 2 + length;
  }
  if (extended) return UnreadFamily{"a JPEG XT", Reads::kPreview};
  return std::nullopt;
}

}  // namespace

std::optional<UnreadFamily> FindUnreadFamily(FileBytes file) {
  const auto format = SniffFormat(file.first(std::min(file.size(), kSniffBytes)));
  if (format == ImageFormat::kTiff) return FindInTiff(file);
  if (format == ImageFormat::kJpeg) return FindInJpeg(file);
  constexpr std::size_t kFirstTypeAt = 12;
  if (format == ImageFormat::kPng && HasAt(file, kFirstTypeAt, "CgBI")) {
    return UnreadFamily{"a PNG in Apple's CgBI form", Reads::kNothing};
  }
  return format == ImageFormat::kRaw ? FindRaw(file) : std::nullopt;
}

std::optional<std::string> FindAppended(FileBytes rest) {
  // Samsung's phones put a directory's names before the video.
  constexpr std::size_t kFar = 4096;
  constexpr std::size_t kTypeAt = 4;  // behind the first box's size
  if (HasAt(rest, kTypeAt, "ftyp")) return "a motion photo's video";
  const std::string_view text(reinterpret_cast<const char*>(rest.data()),
                              std::min(rest.size(), kFar));
  if (text.find("MotionPhoto_Data") != std::string_view::npos) return "a motion photo's video";
  return std::nullopt;
}

}  // namespace millrace
