#include "common/image/jpeg/jpeg_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "common/image/jpeg/dc_seam.h"
#include "common/image/jpeg/interval.h"
#include "common/image/jpeg/markers.h"
#include "common/image/jpeg/scan_plan.h"
#include "common/image/jpeg/tables.h"

namespace millrace {

std::string JpegTrouble::Text() const {
  if (scan == 0) return what;
  if (!seam) return fmt::format("{}, in MCU {} of {} of scan {}", what, mcu + 1, mcus, scan);
  return fmt::format(
      "{} by {:.1f} levels, {:.1f} times the usual step between its rows, from about MCU {} of {} "
      "of scan {} on (x {}, y {})",
      what, seam->levels, seam->times, mcu + 1, mcus, scan, seam->x, seam->y);
}

namespace {

using Bytes = std::span<const std::uint8_t>;

// What a frame is that this reader does not take; nullptr: it takes it.
const char* OtherKind(int marker) {
  switch (marker) {
    case 0xC0:
    case 0xC1:
    case 0xC2:
      return nullptr;
    case 0xC3:
    case 0xCB:
      return "a lossless JPEG";
    case kSof9:
    case kSof10:
      return "a JPEG with arithmetic coding";
    default:
      return "a hierarchical JPEG";
  }
}

class Reader {
 public:
  Reader(Bytes file, std::size_t begin, const JpegReadOptions& options)
      : file_(file), at_(begin + 2), options_(options) {}

  JpegReading Read() {
    while (!done_) Step();
    if (reading_.verdict == JpegReading::Verdict::kWhole) CheckComplete();
    reading_.width = frame_.width;
    reading_.height = frame_.height;
    reading_.sample_bits = frame_.bits;
    for (const JpegComponent& component : frame_.components) {
      reading_.fractional_sampling = reading_.fractional_sampling ||
                                     frame_.h_max % component.h != 0 ||
                                     frame_.v_max % component.v != 0;
    }
    reading_.end = std::min(at_, file_.size());
    return std::move(reading_);
  }

 private:
  using Verdict = JpegReading::Verdict;

  // One marker and its segment.
  void Step() {
    const int marker = NextMarker();
    if (marker < 0) return End(false);
    if (marker == kEoi) return End(true);
    if (marker >= kRst0 && marker <= kRst7) return PassRestart(marker);
    if (marker == kTem) return;
    if (marker == kJpegLs) return NotTaken("a JPEG-LS");
    if (marker == kDhp) return NotTaken("a hierarchical JPEG");
    const bool known = IsFrameMarker(marker) || marker == kDht || marker == kDac ||
                       (marker >= kSos && marker <= kDri) ||
                       (marker >= kApp0 && marker <= kApp15) || marker == kCom;
    if (!known) {
      return Refuse(marker == kSoi ? "another picture begins within it"
                                   : "it has a marker that is none");
    }
    if (file_.size() - at_ < 2) {
      at_ = file_.size();
      return End(false);
    }
    const std::size_t length = static_cast<std::size_t>(file_[at_] << 8 | file_[at_ + 1]);
    if (length > file_.size() - at_) {
      at_ = file_.size();
      return End(false);
    }
    const Bytes segment = length > 2 ? file_.subspan(at_ + 2, length - 2) : Bytes();
    at_ += std::max<std::size_t>(length, 2);
    ReadSegment(marker, segment);
  }

  void ReadSegment(int marker, Bytes segment) {
    JpegRefusal wrong = nullptr;
    if (IsFrameMarker(marker)) {
      wrong = ReadFrame(marker, segment);
    } else if (marker == kDht) {
      wrong = tables_.ReadHuffman(segment);
    } else if (marker == kDqt) {
      wrong = tables_.ReadQuantization(segment);
    } else if (marker == kDri) {
      wrong = tables_.ReadRestartInterval(segment);
    } else if (marker == kSos) {
      wrong = ReadScan(segment);
    }
    if (wrong != nullptr) Refuse(wrong);
  }

  // Skips to the next marker and behind it; -1 at the file's end.
  int NextMarker() {
    const std::size_t begin = at_;
    bool filler = true;
    std::size_t stray = 0;
    while (true) {
      for (; at_ < file_.size() && file_[at_] != 0xFF; ++at_, ++stray) {
        filler = filler && file_[at_] == 0;
      }
      marker_at_ = at_;
      while (at_ < file_.size() && file_[at_] == 0xFF) ++at_;
      if (at_ >= file_.size()) return -1;
      const int marker = file_[at_++];
      if (marker == 0) {
        stray += 2;
        continue;
      }
      if (stray > 0) {
        Note(filler ? reading_.odd : reading_.suspicious, "there are stray bytes before a marker",
             begin);
      }
      return marker;
    }
  }

  void Note(std::optional<JpegTrouble>& kind, const char* what, std::size_t offset) const {
    if (!kind) kind = JpegTrouble{what, offset, 0, 0, 0};
  }

  // At a surplus restart marker. Behind the last interval some encoders write the next one.
  void PassRestart(int marker) {
    const bool next = tables_.restart_interval() > 0 && scans_ > 0 && !restarted_ &&
                      (marker & 7) == ((scan_mcus_ - 1) / tables_.restart_interval() & 7);
    restarted_ = true;
    Note(next ? reading_.odd : reading_.suspicious, "a restart marker follows where none is due",
         marker_at_);
  }

  JpegRefusal ReadFrame(int marker, Bytes segment) {
    if (!frame_.components.empty()) return "it has two frame headers";
    const JpegRefusal wrong = ParseFrame(marker, segment, frame_);
    if (wrong != nullptr) frame_.components.clear();
    if (const char* kind = OtherKind(marker)) {
      reading_.arithmetic = marker == kSof9 || marker == kSof10;
      NotTaken(kind);
      return nullptr;
    }
    return wrong;
  }

  // The height of a frame whose header leaves it out is in a segment behind the first scan.
  JpegRefusal FindHeight() {
    reading_.height_follows = true;
    std::size_t at = at_;
    int marker = -1;
    while ((at = FindMarker(file_, at)) < file_.size()) {
      while (file_[at] == 0xFF) ++at;
      marker = file_[at++];
      if (marker < kRst0 || marker > kRst7) break;
    }
    if (at + 4 > file_.size() || marker != kDnl) return "its height is 0";
    frame_.height = file_[at + 2] << 8 | file_[at + 3];
    return frame_.height == 0 ? "its height is 0" : nullptr;
  }

  JpegRefusal ReadScan(Bytes segment) {
    if (frame_.components.empty()) return "it has a scan before its frame header";
    if (frame_.height == 0) {
      if (const JpegRefusal wrong = FindHeight()) return wrong;
    }
    if (!frame_.progressive() && Complete()) {
      // All pixels are known. libjpeg expects the end here and reads no further.
      Note(reading_.suspicious, "another scan follows the last one", marker_at_);
      done_ = true;
      return nullptr;
    }
    if (++scans_ > options_.max_scans || frame_.width * frame_.height > options_.max_pixels) {
      reading_.verdict = Verdict::kCostly;
      done_ = true;
      return nullptr;
    }
    JpegScan scan;
    if (const JpegRefusal wrong = ParseScan(segment, frame_, scan)) return wrong;
    if (!frame_.progressive() &&
        (scan.first != 0 || scan.last != 63 || scan.high != 0 || scan.low != 0)) {
      Note(reading_.odd, "a scan's header has values that a sequential JPEG cannot have",
           marker_at_);
    }
    for (const JpegScan::Part& part : scan.parts) {
      if (tables_.QuantizationOfDc(Component(part).quantization) < 0) {
        return "a quantization table of its scan is missing";
      }
    }
    if (scans_ == 1 && !frame_.progressive()) tables_.DefineStandard();
    if (frame_.progressive()) {
      const char* odd = nullptr;
      if (const JpegRefusal wrong = NoteProgression(scan, frame_, odd)) return wrong;
      if (odd != nullptr) Note(reading_.suspicious, odd, marker_at_);
    }
    std::unique_ptr<EntropyScan> blocks;
    if (const JpegRefusal wrong = PlanScan(scan, frame_, tables_, dcs_, blocks)) return wrong;
    if (tables_.suspicious() != nullptr) {
      Note(reading_.suspicious, tables_.suspicious(), marker_at_);
    }
    ReadData(scan, *blocks);
    return nullptr;
  }

  JpegComponent& Component(const JpegScan::Part& part) {
    return frame_.components[static_cast<std::size_t>(part.component)];
  }

  void ReadData(const JpegScan& scan, EntropyScan& blocks) {
    ScanReading read =
        ReadScanData(file_, at_, frame_, scan, tables_.restart_interval(), scans_, blocks);
    at_ = read.end;
    scan_mcus_ = scan.mcus();
    restarted_ = false;
    if (!reading_.suspicious) reading_.suspicious = read.suspicious;
    if (!reading_.odd) reading_.odd = read.odd;
    if (read.damage) {
      // Of a component's details, or of one among several, nobody can say what they cost.
      const bool all = scan.first == 0 && scan.parts.size() == frame_.components.size();
      if (all && scan.high == 0) {
        reading_.lost = static_cast<double>(read.pixels_lost) /
                        static_cast<double>(frame_.width * frame_.height);
      }
      return Damage(read.file_ended ? Verdict::kTruncated : Verdict::kCorrupt, *read.damage);
    }
    LookForSeam(scan);
    if (frame_.progressive()) return;
    for (const JpegScan::Part& part : scan.parts) Component(part).bits_missing.fill(0);
  }

  // In what was read without a remark.
  void LookForSeam(const JpegScan& scan) {
    if (frame_.bits != 8 || reading_.suspicious || dcs_.values.empty()) return;
    const auto seam = FindDcSeam(dcs_, scan, tables_.restart_interval());
    if (!seam) return;
    reading_.suspicious = JpegTrouble{
        "its blocks are off",
        0,
        scans_,
        seam->mcu,
        scan.mcus(),
        JpegTrouble::Seam{seam->levels, seam->times, seam->mcu % scan.mcus_wide * scan.mcu_width,
                          seam->mcu / scan.mcus_wide * scan.mcu_height}};
  }

  // Whether every component has all its bits.
  [[nodiscard]] bool Complete() const {
    return !frame_.components.empty() &&
           std::all_of(frame_.components.begin(), frame_.components.end(),
                       [](const JpegComponent& component) {
                         return std::all_of(component.bits_missing.begin(),
                                            component.bits_missing.end(),
                                            [](int missing) { return missing == 0; });
                       });
  }

  // At the end of the picture, or of the file.
  void End(bool marked) {
    done_ = true;
    if (marked) return;
    if (Complete()) {
      Note(reading_.suspicious, "its end mark is missing", file_.size());
    } else {
      Damage(Verdict::kTruncated, {"it ends before its last scan", file_.size(), 0, 0, 0});
    }
  }

  // A progressive file may leave out details; a component it may not.
  void CheckComplete() {
    const bool all =
        !frame_.components.empty() &&
        std::all_of(frame_.components.begin(), frame_.components.end(),
                    [](const JpegComponent& component) { return component.bits_missing[0] >= 0; });
    if (!all) {
      Damage(Verdict::kCorrupt,
             {scans_ == 0 ? "it has no scan" : "the scan of a component is missing",
              std::min(at_, file_.size()), 0, 0, 0});
    }
  }

  void Refuse(JpegRefusal why) {
    done_ = true;
    if (Complete()) {
      Note(reading_.suspicious, why, marker_at_);
    } else {
      Damage(Verdict::kCorrupt, {why, marker_at_, 0, 0, 0});
    }
  }

  void Damage(Verdict verdict, const JpegTrouble& damage) {
    done_ = true;
    reading_.verdict = verdict;
    reading_.damage = damage;
  }

  void NotTaken(const char* kind) {
    done_ = true;
    reading_.verdict = Verdict::kNotTaken;
    reading_.kind = kind;
  }

  Bytes file_;
  std::size_t at_;
  std::size_t marker_at_ = 0;
  JpegReadOptions options_;
  JpegFrame frame_;
  JpegTables tables_;
  DcCoefficients dcs_;
  JpegReading reading_;
  int scans_ = 0;
  std::int64_t scan_mcus_ = 0;
  bool restarted_ = false;
  bool done_ = false;
};

}  // namespace

JpegReading ReadJpeg(std::span<const std::byte> file, std::size_t begin,
                     const JpegReadOptions& options) {
  const Bytes bytes(reinterpret_cast<const std::uint8_t*>(file.data()), file.size());
  return Reader(bytes, begin, options).Read();
}

}  // namespace millrace
