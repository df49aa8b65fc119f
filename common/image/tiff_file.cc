#include "common/image/tiff_file.h"

#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <new>
#include <string_view>

namespace millrace {
namespace {

// Warnings after which libtiff goes on with pixels that are not those of the picture; all others
// are about tags or about how the data was written. libjpeg's come through libtiff's tif_jpeg.c in
// the words of its jerror.h, those of fax data from tif_fax3.h. Not among them: "Premature end of
// JPEG file", which is said where only the end mark is missing too; where data is, the first one is
// said as well.
constexpr std::string_view kLossyWarnings[] = {
    "Corrupt JPEG data: premature end of data segment",  // JWRN_HIT_MARKER
    "Corrupt JPEG data: bad Huffman code",               // JWRN_HUFF_BAD_CODE
    "Corrupt JPEG data: bad arithmetic code",            // JWRN_ARITH_BAD_CODE
    "Corrupt JPEG data: found marker",                   // JWRN_MUST_RESYNC
    "Inconsistent progression sequence",                 // JWRN_BOGUS_PROGRESSION
    "Premature EOF at line",                             // Fax3PrematureEOF
    "Line length mismatch at line",                      // Fax3BadLength, Fax3Unexpected
    "Premature EOL at line",                             // Fax3BadLength
};

bool IsLossyWarning(std::string_view text) {
  return std::any_of(std::begin(kLossyWarnings), std::end(kLossyWarnings),
                     [&](std::string_view lossy) { return text.starts_with(lossy); });
}

}  // namespace

// What libtiff calls; `data` is the TiffFile.
struct TiffFile::Handlers {
  static tmsize_t Read(thandle_t data, void* to, tmsize_t size) {
    auto* self = static_cast<TiffFile*>(data);
    const std::uint64_t at = std::min<std::uint64_t>(self->at_, self->file_.size());
    const std::uint64_t count =
        std::min<std::uint64_t>(static_cast<std::uint64_t>(size), self->file_.size() - at);
    std::memcpy(to, self->file_.data() + at, count);
    self->at_ = at + count;
    return static_cast<tmsize_t>(count);
  }
  static tmsize_t Write(thandle_t /*data*/, void* /*from*/, tmsize_t /*size*/) { return 0; }
  static toff_t Seek(thandle_t data, toff_t offset, int whence) {
    auto* self = static_cast<TiffFile*>(data);
    if (whence == SEEK_CUR) offset += self->at_;
    if (whence == SEEK_END) offset += self->file_.size();
    self->at_ = offset;
    return offset;
  }
  static int Close(thandle_t /*data*/) { return 0; }
  static toff_t Size(thandle_t data) { return static_cast<TiffFile*>(data)->file_.size(); }
  // As if the file were mapped: libtiff takes compressed data from where it lies, and does not
  // write to it.
  static int Map(thandle_t data, void** base, toff_t* size) {
    auto* self = static_cast<TiffFile*>(data);
    *base = const_cast<std::byte*>(self->file_.data());
    *size = self->file_.size();
    return 1;
  }
  static void Unmap(thandle_t /*data*/, void* /*base*/, toff_t /*size*/) {}

  static std::string Text(const char* format, std::va_list arguments) {
    char text[256];
    std::vsnprintf(text, sizeof text, format, arguments);
    return text;
  }
  static int OnError(TIFF* /*tiff*/, void* data, const char* /*module*/, const char* format,
                     std::va_list arguments) {
    auto* self = static_cast<TiffFile*>(data);
    if (!self->complained_) self->message_ = Text(format, arguments);
    if (self->reading_) self->complained_ = true;
    return 1;  // the process's handler is not to be called
  }
  static int OnWarning(TIFF* /*tiff*/, void* data, const char* /*module*/, const char* format,
                       std::va_list arguments) {
    auto* self = static_cast<TiffFile*>(data);
    if (!self->reading_ || self->complained_) return 1;
    std::string text = Text(format, arguments);
    if (IsLossyWarning(text)) {
      self->message_ = std::move(text);
      self->complained_ = true;
    }
    return 1;
  }
};

TiffFile::TiffFile(FileBytes file, std::int64_t memory) : file_(file), memory_(memory) {}

TiffFile::~TiffFile() {
  if (tiff_ != nullptr) TIFFClose(tiff_);
}

bool TiffFile::Reads(std::uint64_t compression) {
  return compression <= UINT16_MAX &&
         TIFFIsCODECConfigured(static_cast<std::uint16_t>(compression)) != 0;
}

bool TiffFile::Open(std::uint64_t offset, const TiffFrame& frame) {
  TIFFOpenOptions* options = TIFFOpenOptionsAlloc();
  if (options == nullptr) throw std::bad_alloc();
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, static_cast<tmsize_t>(memory_));
  TIFFOpenOptionsSetErrorHandlerExtR(options, Handlers::OnError, this);
  TIFFOpenOptionsSetWarningHandlerExtR(options, Handlers::OnWarning, this);
  // "h": no directory is read yet. "C": strips are the file's, as Pillow has it.
  tiff_ =
      TIFFClientOpenExt("", "rCh", this, Handlers::Read, Handlers::Write, Handlers::Seek,
                        Handlers::Close, Handlers::Size, Handlers::Map, Handlers::Unmap, options);
  TIFFOpenOptionsFree(options);
  if (tiff_ == nullptr || TIFFSetSubDirectory(tiff_, offset) == 0) return false;

  // What sizes were checked by, and buffers will be made by, must be what libtiff has read.
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint16_t bits = 0;
  std::uint16_t count = 0;
  std::uint16_t planar = 0;
  TIFFGetField(tiff_, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff_, TIFFTAG_IMAGELENGTH, &height);
  TIFFGetFieldDefaulted(tiff_, TIFFTAG_BITSPERSAMPLE, &bits);
  TIFFGetFieldDefaulted(tiff_, TIFFTAG_SAMPLESPERPIXEL, &count);
  TIFFGetFieldDefaulted(tiff_, TIFFTAG_PLANARCONFIG, &planar);
  const bool planes = planar == PLANARCONFIG_SEPARATE && count > 1;
  if (width != frame.width || height != frame.height || bits != frame.samples.bits ||
      planes != frame.planar || count < frame.samples.count ||
      (!planes && count != frame.samples.count)) {
    message_ = "libtiff reads the TIFF's directory otherwise";
    return false;
  }
  if (frame.compression == kTiffJpeg && !frame.as_rgba) {
    std::uint16_t photometric = 0;
    TIFFGetField(tiff_, TIFFTAG_PHOTOMETRIC, &photometric);
    if (photometric == PHOTOMETRIC_YCBCR) {
      TIFFSetField(tiff_, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    }
  }
  if (frame.as_rgba) {
    reading_ = true;
    return true;
  }
  // Pillow refuses files of which libtiff expects more or fewer bytes than the pixels take.
  const std::uint64_t pixel_bits =
      std::uint64_t{bits} * (frame.planar ? 1U : static_cast<unsigned>(count));
  const std::uint64_t wanted = (pixel_bits * width + 7) / 8;
  if (tiled() ? (TileRowBytes() == 0 || TileBytes() % TileRowBytes() != 0) : RowBytes() != wanted) {
    message_ = "libtiff gives rows of an unexpected size";
    return false;
  }
  if (tiled() && TileRowBytes() != (pixel_bits * BlockWidth() + 7) / 8) {
    message_ = "libtiff gives tiles of an unexpected size";
    return false;
  }
  reading_ = true;
  return true;
}

bool TiffFile::tiled() const { return TIFFIsTiled(tiff_) != 0; }

std::uint32_t TiffFile::BlockWidth() const {
  std::uint32_t width = 0;
  TIFFGetField(tiff_, tiled() ? TIFFTAG_TILEWIDTH : TIFFTAG_IMAGEWIDTH, &width);
  return width;
}

std::uint32_t TiffFile::BlockHeight() const {
  std::uint32_t height = 0;
  TIFFGetFieldDefaulted(tiff_, tiled() ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP, &height);
  return height;
}

std::size_t TiffFile::RowBytes() const { return static_cast<std::size_t>(TIFFScanlineSize(tiff_)); }

std::size_t TiffFile::TileBytes() const { return static_cast<std::size_t>(TIFFTileSize(tiff_)); }

std::size_t TiffFile::TileRowBytes() const {
  return static_cast<std::size_t>(TIFFTileRowSize(tiff_));
}

bool TiffFile::ReadStrip(std::uint8_t* to, std::size_t bytes, std::uint32_t index) {
  return TIFFReadEncodedStrip(tiff_, index, to, static_cast<tmsize_t>(bytes)) != -1;
}

bool TiffFile::ReadRow(std::uint8_t* to, std::uint32_t y, int plane) {
  return TIFFReadScanline(tiff_, to, y, static_cast<std::uint16_t>(plane)) == 1;
}

bool TiffFile::ReadTile(std::uint8_t* to, std::uint32_t x, std::uint32_t y, int plane) {
  return TIFFReadTile(tiff_, to, x, y, 0, static_cast<std::uint16_t>(plane)) != -1;
}

bool TiffFile::ReadRgba(std::uint32_t* to, std::uint32_t y, std::uint32_t height) {
  char text[1024] = "";
  TIFFRGBAImage image;
  // 1: stop at the first error. Pillow goes on, and takes what then is in the buffer.
  if (TIFFRGBAImageOK(tiff_, text) == 0 || TIFFRGBAImageBegin(&image, tiff_, 1, text) == 0) {
    message_ = text;
    return false;
  }
  image.orientation = ORIENTATION_TOPLEFT;
  image.req_orientation = ORIENTATION_TOPLEFT;
  image.col_offset = 0;
  image.row_offset = static_cast<int>(y);
  const bool done = TIFFRGBAImageGet(&image, to, image.width, height) != 0;
  TIFFRGBAImageEnd(&image);
  return done;
}

}  // namespace millrace
