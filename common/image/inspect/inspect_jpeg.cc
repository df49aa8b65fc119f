// JPEG through jpeglib.h: every coefficient is read, none is transformed.
//
// libjpeg is asked for grey at an eighth of the size: of a block it then keeps the DC coefficient
// of the luminance and walks over all others, which costs the Huffman decoding and nothing more.
// What it complains of is the same as in a full decode (tests/inspect/corpus_test.py compares).
#include <fmt/format.h>
#include <jpeglib.h>
// After jpeglib.h: the codes of libjpeg's messages.
#include <jerror.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <utility>

#include "common/image/inspect/inspectors.h"
#include "common/image/inspect/jpeg_header.h"

namespace millrace {
namespace {

// What the coefficients of a file of several scans may take: they are kept until the last scan.
constexpr std::int64_t kMaxCoefficientBytes = 400'000'000;

enum class Meaning {
  kHarmless,  // every pixel is as it was meant
  kStrict,    // likewise, but the file is not as it should be
  kLost,      // pixels are made up
};

// What libjpeg-turbo's warnings (jerror.h, the J_MESSAGE of JWRN_*) say of the pixels. Sources: the
// places that emit them, in jdhuff.c, jdphuff.c, jdarith.c, jdmarker.c and jdapistd.c.
Meaning MeaningOf(int code) {
  switch (code) {
    case JWRN_TOO_MUCH_DATA:  // the caller's fault: rows after the last one
      return Meaning::kHarmless;
    // Fields of headers that the decoder notes and does without. Files that are sound have them:
    // see the comments in get_interesting_appn's callees (jdmarker.c) and start_pass_huff_decoder.
    case JWRN_ADOBE_XFORM:     // an unknown colour transform: YCbCr is assumed
    case JWRN_JFIF_MAJOR:      // a JFIF version above 1
    case JWRN_NOT_SEQUENTIAL:  // odd values in a sequential scan's header, which it does not use
    // Bytes between segments: skipped. Those behind a scan are judged where they are met. Before it
    // they may be a whole table whose marker is gone, and then mostly one that libjpeg has itself.
    case JWRN_EXTRANEOUS_DATA:
      return Meaning::kStrict;
    case JWRN_HUFF_BAD_CODE:      // no code of the table: a zero is taken
    case JWRN_ARITH_BAD_CODE:     // likewise
    case JWRN_HIT_MARKER:         // the scan's data ends before its blocks do: zeros are taken
    case JWRN_MUST_RESYNC:        // not the restart marker that is due: blocks are lost
    case JWRN_BOGUS_PROGRESSION:  // a scan refines what was not sent
    case JWRN_JPEG_EOF:           // the file ends
    default:
      return Meaning::kLost;
  }
}

const char* StrictSentence(int code) {
  switch (code) {
    case JWRN_ADOBE_XFORM:
      return "the JPEG's Adobe segment names no known colour transform";
    case JWRN_JFIF_MAJOR:
      return "the JPEG's JFIF segment has an unknown version";
    case JWRN_NOT_SEQUENTIAL:
      return "a scan's header has values that a baseline JPEG cannot have";
    default:
      return "there are stray bytes between the JPEG's segments";
  }
}

class JpegInspector {
 public:
  explicit JpegInspector(FileBytes file) : file_(file) {
    std::memset(&jpeg_, 0, sizeof jpeg_);
    jpeg_.err = jpeg_std_error(&errors_);
    jpeg_.client_data = this;
    errors_.error_exit = [](j_common_ptr common) {
      Of(common)->NoteError();
      std::longjmp(Of(common)->jump_, 1);
    };
    errors_.emit_message = [](j_common_ptr common, int level) {
      if (level < 0) Of(common)->NoteWarning();
    };
    progress_.progress_monitor = [](j_common_ptr common) {
      JpegInspector* const self = Of(common);
      if (self->jpeg_.input_scan_number <= kMaxJpegScans) return;
      self->too_many_scans_ = true;
      std::longjmp(self->jump_, 1);
    };
  }
  ~JpegInspector() { jpeg_destroy_decompress(&jpeg_); }
  JpegInspector(const JpegInspector&) = delete;
  JpegInspector& operator=(const JpegInspector&) = delete;

  // These call libjpeg, which leaves by longjmp: no local that needs a destructor.
  bool ReadHeader() {
    if (setjmp(jump_) != 0) return false;
    jpeg_create_decompress(&jpeg_);
    jpeg_.progress = &progress_;
    jpeg_mem_src(&jpeg_, reinterpret_cast<const unsigned char*>(file_.data()),
                 static_cast<unsigned long>(file_.size()));
    return jpeg_read_header(&jpeg_, TRUE) == JPEG_HEADER_OK;
  }

  // Everything up to the end-of-image marker.
  bool ReadAll() {
    if (setjmp(jump_) != 0) return false;
    const bool grey =
        jpeg_.jpeg_color_space == JCS_YCbCr || jpeg_.jpeg_color_space == JCS_GRAYSCALE;
    jpeg_.out_color_space = grey ? JCS_GRAYSCALE : jpeg_.jpeg_color_space;
    jpeg_.scale_num = 1;
    jpeg_.scale_denom = 8;
    jpeg_.dct_method = JDCT_IFAST;
    jpeg_.do_fancy_upsampling = FALSE;
    jpeg_.do_block_smoothing = FALSE;
    // In a file of several scans this reads them all.
    if (jpeg_start_decompress(&jpeg_) == FALSE) return false;
    if (jpeg_has_multiple_scans(&jpeg_) == FALSE) {
      const JSAMPARRAY row = (*jpeg_.mem->alloc_sarray)(
          reinterpret_cast<j_common_ptr>(&jpeg_), JPOOL_IMAGE,
          jpeg_.output_width * static_cast<JDIMENSION>(jpeg_.output_components), 1);
      while (jpeg_.output_scanline < jpeg_.output_height) {
        if (jpeg_read_scanlines(&jpeg_, row, 1) == 0) return false;
      }
      after_scan_ = true;
      return jpeg_finish_decompress(&jpeg_) != FALSE;
    }
    return true;
  }

  [[nodiscard]] std::int64_t width() const { return jpeg_.image_width; }
  [[nodiscard]] std::int64_t height() const { return jpeg_.image_height; }
  // Of the coefficients, where they have to be kept.
  [[nodiscard]] std::int64_t CoefficientBytes() const {
    if (jpeg_has_multiple_scans(const_cast<j_decompress_ptr>(&jpeg_)) == FALSE) return 0;
    std::int64_t blocks = 0;
    for (int i = 0; i < jpeg_.num_components; ++i) {
      const jpeg_component_info& component = jpeg_.comp_info[i];
      blocks += std::int64_t{component.width_in_blocks} * component.height_in_blocks;
    }
    return blocks * static_cast<std::int64_t>(sizeof(JBLOCK));
  }
  [[nodiscard]] bool too_many_scans() const { return too_many_scans_; }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool lost() const { return lost_; }
  // The first complaint that costs no pixel.
  [[nodiscard]] std::optional<Finding> strict() const {
    if (strict_code_ == 0) return std::nullopt;
    return Finding{ErrorCode::kBadMetadata,
                   StrictSentence(strict_code_),
                   static_cast<std::int64_t>(strict_at_),
                   {}};
  }
  [[nodiscard]] int error_code() const { return error_code_; }
  [[nodiscard]] std::size_t end() const { return Position(); }

  // The first complaint of the worst kind, and where it was.
  [[nodiscard]] Finding Describe(ErrorCode code, const std::string& what) const {
    return {code, what, static_cast<std::int64_t>(where_), LostShare()};
  }
  [[nodiscard]] const char* message() const { return message_; }

 private:
  static JpegInspector* Of(j_common_ptr common) {
    return static_cast<JpegInspector*>(common->client_data);
  }

  [[nodiscard]] std::size_t Position() const {
    return jpeg_.src == nullptr ? 0
                                : file_.size() - std::min(jpeg_.src->bytes_in_buffer, file_.size());
  }

  void Note(bool& kind) {
    if (!lost_ && !failed_) {
      errors_.format_message(reinterpret_cast<j_common_ptr>(&jpeg_), message_);
      where_ = ended_ ? file_.size() : Position();
      rows_ = jpeg_.output_scanline;
    }
    kind = true;
  }

  void NoteError() {
    error_code_ = errors_.msg_code;
    Note(failed_);
  }

  void NoteWarning() {
    if (errors_.msg_code == JWRN_JPEG_EOF) ended_ = true;
    Meaning meaning = MeaningOf(errors_.msg_code);
    if (errors_.msg_code == JWRN_EXTRANEOUS_DATA && InScans() && !Padding(errors_.msg_parm.i[0])) {
      meaning = Meaning::kLost;
    }
    // A C library calls this: nothing may be thrown, so nothing is allocated.
    if (meaning == Meaning::kStrict && strict_code_ == 0) {
      strict_code_ = errors_.msg_code;
      strict_at_ = Position();
    }
    if (meaning == Meaning::kLost) Note(lost_);
  }

  // Bytes that are skipped behind a scan's data are data that its blocks did not use.
  [[nodiscard]] bool InScans() const { return after_scan_ || jpeg_.input_scan_number > 0; }

  // Whether the bytes that were skipped are what some cameras fill up with (zeros): no data.
  [[nodiscard]] bool Padding(int skipped) const {
    const std::size_t end = Position();
    const std::size_t begin = end - std::min<std::size_t>(end, static_cast<std::size_t>(skipped));
    return std::all_of(file_.begin() + static_cast<std::ptrdiff_t>(begin),
                       file_.begin() + static_cast<std::ptrdiff_t>(end),
                       [](std::byte b) { return b == std::byte{0} || b == std::byte{0xFF}; });
  }

  // From the row on that was read when the first damage was met; of several scans nobody can tell.
  [[nodiscard]] std::optional<double> LostShare() const {
    if (jpeg_.output_height == 0 || rows_ == 0) return std::nullopt;
    return 1.0 - static_cast<double>(rows_) / static_cast<double>(jpeg_.output_height);
  }

  FileBytes file_;
  jpeg_decompress_struct jpeg_;
  jpeg_error_mgr errors_;
  jpeg_progress_mgr progress_ = {};
  std::jmp_buf jump_;
  char message_[JMSG_LENGTH_MAX] = "";
  std::size_t where_ = 0;
  JDIMENSION rows_ = 0;
  int error_code_ = 0;
  bool after_scan_ = false;
  bool ended_ = false;
  bool lost_ = false;
  bool failed_ = false;
  int strict_code_ = 0;
  std::size_t strict_at_ = 0;
  bool too_many_scans_ = false;
};

std::optional<Finding> Judge(FileBytes file, JpegInspector& jpeg, bool multi_picture,
                             const InspectOptions& options) {
  bool whole = jpeg.ReadHeader();
  if (whole) {
    if (auto size = CheckSides(jpeg.width(), jpeg.height(), options)) return size;
    if (jpeg.CoefficientBytes() > kMaxCoefficientBytes) {
      return Finding{ErrorCode::kTooLarge,
                     fmt::format("a JPEG of several scans and {}x{} pixels takes {} MB to read",
                                 jpeg.width(), jpeg.height(), jpeg.CoefficientBytes() / 1'000'000),
                     {},
                     {}};
    }
    whole = jpeg.ReadAll();
  }
  if (jpeg.too_many_scans()) {
    return Finding{ErrorCode::kTooLarge,
                   fmt::format("the JPEG has more than {} scans", kMaxJpegScans),
                   {},
                   {}};
  }
  if (jpeg.ended()) return jpeg.Describe(ErrorCode::kTruncated, "the JPEG's data ends early");
  if (jpeg.failed() && !jpeg.lost() &&
      (jpeg.error_code() == JERR_SOF_UNSUPPORTED || jpeg.error_code() == JERR_ARITH_NOTIMPL)) {
    return jpeg.Describe(ErrorCode::kUnsupportedFormat, fmt::format("JPEG: {}", jpeg.message()));
  }
  if (!whole || jpeg.lost()) {
    return jpeg.Describe(ErrorCode::kCorrupt, fmt::format("JPEG: {}", jpeg.message()));
  }
  if (options.level != InspectLevel::kStrict) return std::nullopt;
  if (jpeg.strict()) return jpeg.strict();
  if (multi_picture) return std::nullopt;
  return CheckTrailing(file, jpeg.end(), options);
}

}  // namespace

std::optional<Finding> InspectJpeg(FileBytes file, const InspectOptions& options) {
  JpegHeaderFindings header = CheckJpegHeader(file, options);
  if (header.broken || options.level == InspectLevel::kOpen) return std::move(header.broken);
  JpegInspector jpeg(file);
  auto finding = Judge(file, jpeg, header.multi_picture, options);
  return finding ? finding : std::move(header.metadata);
}

}  // namespace millrace
