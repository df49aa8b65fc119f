// PNG through libpng, with Pillow's modes and its leniency: checksums count in the header only, and
// a cut file gives every row that its last byte completes.
#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <bit>
#include <csetjmp>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

#include "common/image/byte_order.h"
#include "common/image/decoders.h"
#include "common/image/png_orientation.h"

namespace millrace {
namespace {

constexpr std::size_t kSignatureBytes = 8;
constexpr std::size_t kChunkHeaderBytes = 8;  // length, type
constexpr std::size_t kChecksumBytes = 4;

// Where the header of an IDAT chunk is whose data the file's end cuts; 0 where there is none.
std::size_t CutChunk(FileBytes file) {
  std::size_t offset = kSignatureBytes;
  while (file.size() - offset >= kChunkHeaderBytes) {
    const std::uint32_t length = Big32(file, offset);
    const std::string_view type(reinterpret_cast<const char*>(file.data()) + offset + 4, 4);
    const std::size_t left = file.size() - offset - kChunkHeaderBytes;
    if (length > left && type == "IDAT") return offset;
    if (length > left || left - length < kChecksumBytes || type == "IEND") break;
    offset += kChunkHeaderBytes + length + kChecksumBytes;
  }
  return 0;
}

struct PngHeader {
  png_uint_32 width = 0;
  png_uint_32 height = 0;
  int depth = 0;
  int color = 0;
};

// Pillow's mode of a combination of colour type and depth (_MODES in PngImagePlugin.py).
PixelMode ModeOf(const PngHeader& header) {
  switch (header.color) {
    case PNG_COLOR_TYPE_GRAY:
      if (header.depth == 1) return PixelMode::kBilevel;
      return header.depth == 16 ? PixelMode::kI16 : PixelMode::kL;
    case PNG_COLOR_TYPE_PALETTE:
      return PixelMode::kP;
    case PNG_COLOR_TYPE_GRAY_ALPHA:
      return header.depth == 16 ? PixelMode::kRGBA : PixelMode::kLA;
    case PNG_COLOR_TYPE_RGB_ALPHA:
      return PixelMode::kRGBA;
    default:
      return PixelMode::kRGB;
  }
}

// libpng leaves errors by longjmp: the methods that call it set the jump first and have no local
// that needs a destructor.
class PngReader {
 public:
  PngReader(FileBytes file, std::size_t cut_chunk) : file_(file), cut_chunk_(cut_chunk) {
    png_ = png_create_read_struct(
        PNG_LIBPNG_VER_STRING, this,
        [](png_structp png, png_const_charp text) {
          auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
          std::strncpy(reader->message_, text, sizeof reader->message_ - 1);
          std::longjmp(reader->jump_, 1);
        },
        [](png_structp, png_const_charp) {});
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) throw std::bad_alloc();
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  bool ReadHeader(const DecodeOptions& options, PngHeader* header) {
    if (setjmp(jump_) != 0) return false;
    png_set_read_fn(png_, this, [](png_structp png, png_bytep to, std::size_t count) {
      auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
      if (count > reader->file_.size() - reader->at_) {
        reader->ended_ = true;
        png_error(png, "the file ends early");
      }
      std::memcpy(to, reader->file_.data() + reader->at_, count);
      // libpng inflates blocks of 8 KiB and would lose the last one of a cut chunk, being short of
      // what its header promises: it is told the length that there is.
      if (reader->cut_chunk_ != 0 && reader->at_ == reader->cut_chunk_) {
        png_save_uint_32(
            to, static_cast<png_uint_32>(reader->file_.size() - reader->at_ - kChunkHeaderBytes));
      }
      reader->at_ += count;
    });
    const auto side = static_cast<png_uint_32>(std::min<std::int64_t>(options.max_side, INT32_MAX));
    png_set_user_limits(png_, side, side);
    // Nothing but pixels and the palette is wanted: no profile, text or unknown chunk is unpacked
    // or kept.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_set_option(png_, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
    png_read_info(png_, info_);
    png_get_IHDR(png_, info_, &header->width, &header->height, &header->depth, &header->color,
                 nullptr, nullptr, nullptr);
    return true;
  }

  // The palette's entries over those of `palette`; the rest stays.
  void ReadPalette(Palette* palette) {
    png_colorp colors = nullptr;
    int count = 0;
    if (png_get_PLTE(png_, info_, &colors, &count) == 0) return;
    for (int i = 0; i < count && i < 256; ++i) {
      std::uint8_t* entry = palette->data() + 3 * i;
      entry[0] = colors[i].red;
      entry[1] = colors[i].green;
      entry[2] = colors[i].blue;
    }
  }

  // All rows of all passes; false where the data ends or is bad, what came before being in place.
  bool ReadRows(const PngHeader& header, std::uint8_t* to, std::size_t stride) {
    if (setjmp(jump_) != 0) return false;
    png_set_crc_action(png_, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    png_set_packing(png_);
    if (header.depth == 16) {
      if (header.color == PNG_COLOR_TYPE_GRAY) {
        if constexpr (std::endian::native == std::endian::little) png_set_swap(png_);
      } else {
        png_set_strip_16(png_);
        if (header.color == PNG_COLOR_TYPE_GRAY_ALPHA) png_set_gray_to_rgb(png_);
      }
    }
    const int passes = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    if (png_get_rowbytes(png_, info_) != stride) png_error(png_, "unexpected row size");
    for (int pass = 0; pass < passes; ++pass) {
      for (png_uint_32 y = 0; y < header.height; ++y) png_read_row(png_, to + y * stride, nullptr);
    }
    return true;
  }

  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] const char* message() const { return message_; }

 private:
  FileBytes file_;
  std::size_t cut_chunk_;
  std::size_t at_ = 0;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::jmp_buf jump_;
  char message_[128] = "";
  bool ended_ = false;
};

// Grey of 1, 2 or 4 bits to the full range.
void Scale(Picture& picture, int depth) {
  const int factor = 255 / ((1 << depth) - 1);
  std::uint8_t* const end = picture.bytes.data() + picture.bytes.size();
  for (std::uint8_t* at = picture.bytes.data(); at != end; ++at) {
    *at = static_cast<std::uint8_t>(*at * factor);
  }
}

}  // namespace

Result<Decoded> DecodePng(FileBytes file, const DecodeOptions& options) {
  if (file.size() < kSignatureBytes + 25) {
    return Fail(ErrorCode::kTruncated, "the PNG ends within its header");
  }
  // Before libpng, whose own limits give no telling apart of large and corrupt.
  RETURN_IF_ERROR(CheckSize(Big32(file, 16), Big32(file, 20), options));
  PngReader reader(file, CutChunk(file));
  PngHeader header;
  if (!reader.ReadHeader(options, &header)) {
    return Fail(reader.ended() ? ErrorCode::kTruncated : ErrorCode::kCorrupt,
                fmt::format("PNG header: {}", reader.message()));
  }
  RETURN_IF_ERROR(CheckSize(header.width, header.height, options));

  Decoded decoded;
  decoded.orientation = PngOrientation(file);
  decoded.picture = Picture::Zeroed(ModeOf(header), static_cast<int>(header.width),
                                    static_cast<int>(header.height));
  Picture& picture = decoded.picture;
  if (picture.mode == PixelMode::kP) {
    picture.palette = std::make_unique<Palette>();
    reader.ReadPalette(picture.palette.get());
  }
  if (!reader.ReadRows(header, picture.bytes.data(), picture.stride())) {
    RETURN_IF_ERROR(
        NoteTruncated(reader.ended(), fmt::format("PNG: {}", reader.message()), options, decoded));
  }
  if (header.color == PNG_COLOR_TYPE_GRAY && header.depth < 8) Scale(picture, header.depth);
  return decoded;
}

}  // namespace millrace
