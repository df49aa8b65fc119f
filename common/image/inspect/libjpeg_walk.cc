// libjpeg is asked for grey at an eighth of the size: of a block it then keeps the DC coefficient
// of the luminance and walks over all others, which costs the Huffman decoding and nothing more.
// What it complains of is the same as in a full decode (tests/inspect/corpus_test.py compares).
#include "common/image/inspect/libjpeg_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <utility>
// Behind cstdio, which it needs; jerror.h has the codes of its messages.
#include <jpeglib.h>
// And that one behind it.
#include <jerror.h>

#include "common/image/decoders.h"

namespace millrace {
namespace {

// What the coefficients of a file of several scans may take: they are kept until the last scan.
constexpr std::int64_t kMaxCoefficientBytes = 400'000'000;

// libjpeg-turbo's fast Huffman decoder runs where 512 bytes or more are at hand.
constexpr std::size_t kPiece = 400;

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

class Walk {
 public:
  explicit Walk(FileBytes file) : file_(file) {
    source_.init_source = [](j_decompress_ptr) {};
    source_.fill_input_buffer = [](j_decompress_ptr jpeg) { return Of(jpeg)->NextPiece(); };
    source_.skip_input_data = [](j_decompress_ptr jpeg, long count) {
      if (count > 0) Of(jpeg)->SkipBytes(static_cast<std::size_t>(count));
    };
    source_.resync_to_restart = jpeg_resync_to_restart;
    source_.term_source = [](j_decompress_ptr) {};
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
      Walk* const self = Of(common);
      if (self->jpeg_.input_scan_number <= kMaxJpegScans) return;
      self->too_many_scans_ = true;
      std::longjmp(self->jump_, 1);
    };
  }
  ~Walk() { jpeg_destroy_decompress(&jpeg_); }
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

  // These call libjpeg, which leaves by longjmp: no local that needs a destructor.
  bool ReadHeader() {
    if (setjmp(jump_) != 0) return false;
    jpeg_create_decompress(&jpeg_);
    jpeg_.progress = &progress_;
    jpeg_.src = &source_;
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
  static Walk* Of(j_common_ptr common) { return static_cast<Walk*>(common->client_data); }
  static Walk* Of(j_decompress_ptr jpeg) { return static_cast<Walk*>(jpeg->client_data); }

  boolean NextPiece() {
    static constexpr JOCTET kEnd[] = {0xFF, JPEG_EOI};
    const std::size_t size = std::min(kPiece, file_.size() - given_);
    if (size == 0) {
      // As jpeg_mem_src does at the end of the file.
      WARNMS(&jpeg_, JWRN_JPEG_EOF);
      source_.next_input_byte = kEnd;
      source_.bytes_in_buffer = sizeof kEnd;
      return TRUE;
    }
    source_.next_input_byte = reinterpret_cast<const JOCTET*>(file_.data() + given_);
    source_.bytes_in_buffer = size;
    given_ += size;
    return TRUE;
  }
  void SkipBytes(std::size_t count) {
    while (count > source_.bytes_in_buffer) {
      count -= source_.bytes_in_buffer;
      if (!ended_ && given_ < file_.size()) {
        // Over pieces that nobody looks at.
        const std::size_t over = std::min(count, file_.size() - given_);
        given_ += over;
        count -= over;
      }
      NextPiece();
      if (ended_) return;
    }
    source_.next_input_byte += count;
    source_.bytes_in_buffer -= count;
  }

  [[nodiscard]] std::size_t Position() const {
    return ended_ ? file_.size() : given_ - std::min(source_.bytes_in_buffer, given_);
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
  jpeg_source_mgr source_ = {};
  std::size_t given_ = 0;  // bytes of the file
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

LibjpegOpinion Judge(Walk& jpeg) {
  LibjpegOpinion opinion;
  bool whole = jpeg.ReadHeader();
  if (whole) {
    if (jpeg.CoefficientBytes() > kMaxCoefficientBytes) {
      opinion.costly = true;
      opinion.broken =
          Finding{ErrorCode::kTooLarge,
                  fmt::format("a JPEG of several scans and {}x{} pixels takes {} MB to read",
                              jpeg.width(), jpeg.height(), jpeg.CoefficientBytes() / 1'000'000),
                  {},
                  {}};
      return opinion;
    }
    whole = jpeg.ReadAll();
  }
  opinion.end = jpeg.end();
  if (jpeg.too_many_scans()) {
    opinion.broken = Finding{ErrorCode::kTooLarge,
                             fmt::format("the JPEG has more than {} scans", kMaxJpegScans),
                             {},
                             {}};
  } else if (jpeg.ended()) {
    opinion.broken = jpeg.Describe(ErrorCode::kTruncated, "the JPEG's data ends early");
  } else if (jpeg.failed() && !jpeg.lost() &&
             (jpeg.error_code() == JERR_SOF_UNSUPPORTED ||
              jpeg.error_code() == JERR_ARITH_NOTIMPL)) {
    opinion.broken =
        jpeg.Describe(ErrorCode::kUnsupportedFormat, fmt::format("JPEG: {}", jpeg.message()));
  } else if (!whole || jpeg.lost()) {
    opinion.broken = jpeg.Describe(ErrorCode::kCorrupt, fmt::format("JPEG: {}", jpeg.message()));
  }
  opinion.odd = jpeg.strict();
  return opinion;
}

}  // namespace

LibjpegOpinion AskLibjpeg(FileBytes file) {
  Walk jpeg(file);
  return Judge(jpeg);
}

}  // namespace millrace
