// JPEG through jpeglib.h, set up as Pillow does it: slow integer DCT, fancy upsampling, block
// smoothing and no scaling. Every one of them changes pixels.
#include <fmt/format.h>
#include <jpeglib.h>
// After jpeglib.h: the codes of libjpeg's messages.
#include <jerror.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "common/image/decoders.h"
#include "common/image/exif.h"

namespace millrace {
namespace {

// libjpeg reports by callbacks and leaves errors by longjmp. This class holds all that must outlive
// the jump; its methods that call libjpeg set the jump first and have no local that needs a
// destructor.
class JpegReader {
 public:
  explicit JpegReader(FileBytes file) : file_(file) {
    std::memset(&jpeg_, 0, sizeof jpeg_);
    jpeg_.err = jpeg_std_error(&errors_);
    jpeg_.client_data = this;
    errors_.error_exit = [](j_common_ptr common) {
      auto* reader = static_cast<JpegReader*>(common->client_data);
      reader->error_code_ = common->err->msg_code;
      common->err->format_message(common, reader->message_);
      std::longjmp(reader->jump_, 1);
    };
    errors_.emit_message = [](j_common_ptr common, int level) {
      auto* reader = static_cast<JpegReader*>(common->client_data);
      if (level >= 0) return;  // a trace
      if (common->err->msg_code == JWRN_JPEG_EOF) {
        reader->ended_ = true;
      } else {
        reader->damaged_ = true;
      }
    };
    progress_.progress_monitor = [](j_common_ptr common) {
      auto* reader = static_cast<JpegReader*>(common->client_data);
      if (reader->jpeg_.input_scan_number <= kMaxJpegScans) return;
      reader->error_code_ = JMSG_NOMESSAGE;
      std::snprintf(reader->message_, sizeof reader->message_, "more than %d scans", kMaxJpegScans);
      reader->too_many_scans_ = true;
      std::longjmp(reader->jump_, 1);
    };
  }
  ~JpegReader() { jpeg_destroy_decompress(&jpeg_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  // Up to the first scan.
  bool ReadHeader() {
    if (setjmp(jump_) != 0) return false;
    jpeg_create_decompress(&jpeg_);
    jpeg_.progress = &progress_;
    // At the end of the data this source gives an end-of-image marker, as Pillow does.
    jpeg_mem_src(&jpeg_, reinterpret_cast<const unsigned char*>(file_.data()),
                 static_cast<unsigned long>(file_.size()));
    jpeg_save_markers(&jpeg_, JPEG_APP0 + 1, 0xFFFF);
    return jpeg_read_header(&jpeg_, TRUE) == JPEG_HEADER_OK;
  }

  bool Start(J_COLOR_SPACE color_space) {
    if (setjmp(jump_) != 0) return false;
    jpeg_.out_color_space = color_space;
    jpeg_.dct_method = JDCT_ISLOW;
    jpeg_.do_fancy_upsampling = TRUE;
    jpeg_.do_block_smoothing = TRUE;
    return jpeg_start_decompress(&jpeg_) != FALSE;
  }

  // The next `count` rows (at most RowSink::kRowsAtOnce), packed from `to` on; false on an error.
  // The end of the image is never asked for: what follows the last row is nobody's concern.
  bool ReadRows(std::uint8_t* to, std::size_t stride, int count) {
    if (setjmp(jump_) != 0) return false;
    JSAMPROW rows[RowSink::kRowsAtOnce];
    for (int done = 0; done < count;) {
      const int wanted = count - done;
      for (int i = 0; i < wanted; ++i) {
        rows[i] = to + static_cast<std::size_t>(done + i) * stride;
      }
      const auto got = jpeg_read_scanlines(&jpeg_, rows, static_cast<JDIMENSION>(wanted));
      if (got == 0) return false;
      done += static_cast<int>(got);
    }
    return true;
  }

  [[nodiscard]] int width() const { return static_cast<int>(jpeg_.image_width); }
  [[nodiscard]] int height() const { return static_cast<int>(jpeg_.image_height); }
  [[nodiscard]] int components() const { return jpeg_.num_components; }
  [[nodiscard]] int rows_done() const { return static_cast<int>(jpeg_.output_scanline); }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool damaged() const { return damaged_; }
  [[nodiscard]] bool too_many_scans() const { return too_many_scans_; }
  [[nodiscard]] int error_code() const { return error_code_; }
  [[nodiscard]] const char* message() const { return message_; }

  // Whether block smoothing has guessed at coefficients that no scan gave, in rows where
  // libjpeg-turbo before 3.0.1 does it otherwise than the later ones: the second row of MCUs and
  // the last but one, of components that have several rows of blocks in each
  // (decompress_smooth_data in jdcoefct.c). Once all rows are read.
  [[nodiscard]] bool SmoothedByOlderRules() const {
#if LIBJPEG_TURBO_VERSION_NUMBER >= 3000001
    return false;
#else
    if (jpeg_.progressive_mode == FALSE || jpeg_.coef_bits == nullptr) return false;
    bool tall = false;
    bool guessed = false;
    for (int c = 0; c < jpeg_.num_components; ++c) {
      constexpr int kSmoothed = 9;  // coefficients in zigzag order that it guesses
      const int* bits = jpeg_.coef_bits[c];
      tall = tall || jpeg_.comp_info[c].v_samp_factor > 1;
      guessed =
          guessed || std::any_of(bits + 1, bits + 1 + kSmoothed, [](int b) { return b != 0; });
    }
    return tall && guessed;
#endif
  }

  [[nodiscard]] int Orientation() const {
    using namespace std::string_view_literals;
    constexpr std::string_view kExif = "Exif\0\0"sv;
    constexpr std::string_view kXmp = "http://ns.adobe.com/xap/1.0/\0"sv;
    std::string exif;  // the segments one behind the other, as Pillow has them
    std::string_view xmp;
    for (const jpeg_marker_struct* marker = jpeg_.marker_list; marker != nullptr;
         marker = marker->next) {
      if (marker->marker != JPEG_APP0 + 1) continue;
      const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
      if (data.starts_with(kExif)) exif += exif.empty() ? data : data.substr(kExif.size());
      if (data.starts_with(kXmp)) xmp = data.substr(kXmp.size());
    }
    return FindOrientation(std::as_bytes(std::span(exif.data(), exif.size())),
                           std::as_bytes(std::span(xmp.data(), xmp.size())));
  }

 private:
  FileBytes file_;
  jpeg_decompress_struct jpeg_;
  jpeg_error_mgr errors_;
  jpeg_progress_mgr progress_ = {};
  std::jmp_buf jump_;
  char message_[JMSG_LENGTH_MAX] = "";
  int error_code_ = 0;
  bool ended_ = false;
  bool damaged_ = false;
  bool too_many_scans_ = false;
};

Error HeaderError(const JpegReader& reader) {
  if (reader.error_code() == JERR_IMAGE_TOO_BIG) {
    return {ErrorCode::kTooLarge, fmt::format("JPEG: {}", reader.message())};
  }
  if (reader.ended()) return {ErrorCode::kTruncated, "the JPEG ends within its header"};
  if (reader.error_code() == JERR_SOF_UNSUPPORTED || reader.error_code() == JERR_BAD_PRECISION) {
    return {ErrorCode::kUnsupportedFormat,
            fmt::format("JPEG: {}: convert it to baseline JPEG", reader.message())};
  }
  return {ErrorCode::kCorrupt, fmt::format("JPEG header: {}", reader.message())};
}

}  // namespace

Result<Decoded> DecodeJpegInto(RowSink& sink, FileBytes file, const DecodeOptions& options) {
  JpegReader reader(file);
  if (!reader.ReadHeader()) return Fail(HeaderError(reader));
  RETURN_IF_ERROR(CheckSize(reader.width(), reader.height(), options));

  PixelMode mode = PixelMode::kRGB;
  J_COLOR_SPACE color_space = JCS_RGB;
  switch (reader.components()) {
    case 1:
      mode = PixelMode::kL;
      color_space = JCS_GRAYSCALE;
      break;
    case 3:
      break;
    case 4:
      mode = PixelMode::kCMYK;
      color_space = JCS_CMYK;
      break;
    default:
      return Fail(ErrorCode::kUnsupportedFormat,
                  fmt::format("a JPEG with {} components", reader.components()));
  }
  Decoded decoded;
  decoded.orientation = reader.Orientation();
  const std::size_t stride = static_cast<std::size_t>(reader.width()) * BytesPerPixel(mode);
  sink.Begin(mode, reader.width(), reader.height(), decoded.orientation);

  bool whole = reader.Start(color_space);
  for (int y = 0; whole && y < reader.height(); y += RowSink::kRowsAtOnce) {
    const int wanted = std::min(RowSink::kRowsAtOnce, reader.height() - y);
    std::uint8_t* rows = sink.Rows(y, wanted);
    whole = reader.ReadRows(rows, stride, wanted);
    const int got = std::clamp(reader.rows_done() - y, 0, wanted);
    // Adobe's polarity, which Pillow takes for granted in every JPEG of four components.
    if (mode == PixelMode::kCMYK) {
      std::uint8_t* const end = rows + static_cast<std::size_t>(got) * stride;
      for (std::uint8_t* at = rows; at != end; ++at) *at = 255 - *at;
    }
    if (got > 0) sink.RowsDone(y, got);
  }
  if (!whole) {
    if (reader.too_many_scans()) {
      return Fail(ErrorCode::kCorrupt, fmt::format("JPEG: {}", reader.message()));
    }
    sink.Missing(std::clamp(reader.rows_done(), 0, reader.height()));
  }
  if (!whole || reader.ended()) {
    const std::string what =
        reader.ended() ? "the JPEG's data ends early" : fmt::format("JPEG: {}", reader.message());
    RETURN_IF_ERROR(NoteTruncated(reader.ended(), what, options, decoded));
  } else if (reader.damaged()) {
    decoded.warnings.emplace_back(kWarningDamaged);
  }
  if (reader.SmoothedByOlderRules()) decoded.warnings.emplace_back(kWarningSmoothing);
  return decoded;
}

namespace {

class WholePicture final : public RowSink {
 public:
  void Begin(PixelMode mode, int width, int height, int /*orientation*/) override {
    picture = Picture::Uninitialized(mode, width, height);
  }
  std::uint8_t* Rows(int y, int /*count*/) override { return picture.row(y); }
  void RowsDone(int /*y*/, int /*count*/) override {}
  void Missing(int y) override {
    std::memset(picture.row(y), 0, picture.stride() * static_cast<std::size_t>(picture.height - y));
  }

  Picture picture;
};

}  // namespace

Result<Decoded> DecodeJpeg(FileBytes file, const DecodeOptions& options) {
  WholePicture whole;
  ASSIGN_OR_RETURN(Decoded decoded, DecodeJpegInto(whole, file, options));
  decoded.picture = std::move(whole.picture);
  return decoded;
}

}  // namespace millrace
