#include "common/image/jpeg/interval.h"

#include <algorithm>
#include <cstring>

namespace millrace {

std::size_t FindMarker(std::span<const std::uint8_t> file, std::size_t at) {
  while (at < file.size()) {
    const void* const found = std::memchr(file.data() + at, 0xFF, file.size() - at);
    if (found == nullptr) break;
    at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - file.data());
    std::size_t code = at + 1;
    while (code < file.size() && file[code] == 0xFF) ++code;
    if (code < file.size() && file[code] != 0) return at;
    at = code;
  }
  return file.size();
}

namespace {

constexpr int kRestart0 = 0xD0;
// Further than this no marker is thought to be ahead of its turn.
constexpr int kMostMissing = 3;

class ScanWalk {
 public:
  ScanWalk(std::span<const std::uint8_t> file, const JpegFrame& frame, const JpegScan& scan,
           std::int64_t interval, int number)
      : file_(file), frame_(frame), scan_(scan), interval_(interval), number_(number) {}

  ScanReading Walk(std::size_t begin, EntropyScan& blocks) {
    at_ = begin;
    while (mcu_ < scan_.mcus()) {
      const std::int64_t stop =
          interval_ > 0 ? std::min(scan_.mcus(), mcu_ + interval_) : scan_.mcus();
      if (ReadInterval(blocks, stop)) {
        mcu_ = stop;
        if (stop < scan_.mcus()) PassRestart();
      } else {
        Resume(stop);
      }
    }
    reading_.end = at_;
    return std::move(reading_);
  }

 private:
  [[nodiscard]] std::size_t OffsetOf(const std::uint8_t* place) const {
    return static_cast<std::size_t>(place - file_.data());
  }
  // Of the marker at at_; -1 at the file's end.
  [[nodiscard]] int MarkerAt(std::size_t at) const {
    while (at < file_.size() && file_[at] == 0xFF) ++at;
    return at < file_.size() ? file_[at] : -1;
  }
  void PassMarker() {
    while (file_[at_] == 0xFF) ++at_;
    ++at_;
  }

  [[nodiscard]] JpegTrouble Trouble(const char* what, std::size_t offset, std::int64_t mcu) const {
    return {what, offset, number_, mcu, scan_.mcus()};
  }
  void Note(std::optional<JpegTrouble>& kind, const char* what, std::size_t offset,
            std::int64_t mcu) const {
    if (!kind) kind = Trouble(what, offset, mcu);
  }
  void Lose(const char* what, std::size_t offset, std::int64_t from, std::int64_t to) {
    Note(reading_.damage, what, offset, from);
    reading_.pixels_lost += PixelsOf(frame_, scan_, from, to);
  }

  // Up to the MCU before `stop`; at_ is at a marker then, or where the damage is.
  bool ReadInterval(EntropyScan& blocks, std::int64_t stop) {
    EntropyData data{file_.data() + at_, file_.data() + file_.size()};
    BitReader bits(data);
    const std::int64_t done = blocks.Read(bits, mcu_, stop);
    if (done < stop) {
      NoteDamage(blocks, bits, done);
      lost_from_ = done;
      return false;
    }
    const std::size_t offset = OffsetOf(bits.Position());
    const BitReader::Rest rest = bits.ReadRest();
    at_ = OffsetOf(rest.marker);
    if (rest.whole_bytes > 0) {
      Note(rest.filler ? reading_.odd : reading_.suspicious, "bytes of its data are left over",
           offset, stop - 1);
    }
    if (!rest.padding) {
      Note(reading_.suspicious, "the padding behind its data is neither of zeros nor of ones",
           offset, stop - 1);
    }
    const EntropyOddities& oddities = blocks.oddities();
    if (data.odd_filler) {
      Note(reading_.suspicious, "its data has fillers that only markers may have", offset,
           stop - 1);
    }
    if (oddities.any()) {
      Note(reading_.suspicious,
           oddities.out_of_range  ? "its data leads out of the range that samples have"
           : oddities.large_value ? "its data has larger values than a picture can have"
           : oddities.end_run     ? "its data ends more blocks than there are"
                                  : "its data has codes that only a progressive JPEG has",
           offset, oddities.mcu);
    }
    return true;
  }

  void NoteDamage(const EntropyScan& blocks, BitReader bits, std::int64_t done) {
    at_ = OffsetOf(bits.Position());
    bits.Refill();
    const bool ended = bits.Overrun() ||
                       (blocks.fault() == EntropyFault::kNoCode && bits.EndsWithin(16)) ||
                       blocks.fault() == EntropyFault::kNone;
    if (ended) {
      at_ = OffsetOf(bits.ReadRest().marker);
      const bool file_ended = MarkerAt(at_) < 0;
      if (!reading_.damage) reading_.file_ended = file_ended;
      Note(reading_.damage, file_ended ? "its data ends early" : "a marker cuts its data short",
           file_ended ? file_.size() : at_, done);
      return;
    }
    const char* what = "";
    switch (blocks.fault()) {
      case EntropyFault::kPastEnd:
        what = "a run in its data leads beyond a block";
        break;
      case EntropyFault::kRefinement:
        what = "its data refines a value by more than a bit";
        break;
      default:
        what = "its data has a code that is none";
    }
    Note(reading_.damage, what, at_, done);
  }

  // Behind a whole interval, at the marker.
  void PassRestart() {
    const int due = kRestart0 + next_;
    const int marker = MarkerAt(at_);
    if (marker < kRestart0 || marker > kRestart0 + 7) {
      reading_.file_ended = reading_.file_ended || (marker < 0 && !reading_.damage);
      Lose(marker < 0 ? "its data ends early" : "a marker cuts its data short",
           std::min(at_, file_.size()), mcu_, scan_.mcus());
      mcu_ = scan_.mcus();
      return;
    }
    if (marker != due) {
      const std::size_t offset = at_;
      std::size_t behind = at_;
      while (file_[behind] == 0xFF) ++behind;
      const int following = MarkerAt(FindMarker(file_, behind + 1));
      const int ahead = (marker - due) & 7;
      const bool alone = following == kRestart0 + ((next_ + 1) & 7) ||
                         mcu_ + interval_ >= scan_.mcus() || ahead > kMostMissing;
      if (!alone) {
        const std::int64_t to = std::min(scan_.mcus(), mcu_ + ahead * interval_);
        Lose("restart intervals are missing in its data", offset, mcu_, to);
        mcu_ = to;
        next_ = (next_ + ahead) & 7;
      } else {
        Note(reading_.suspicious, "a restart marker is out of turn", offset, mcu_);
      }
    }
    PassMarker();
    next_ = (next_ + 1) & 7;
  }

  // After damage in the interval before `stop`: on with the next one that can be found.
  void Resume(std::int64_t stop) {
    const std::int64_t from = lost_from_;
    while (interval_ > 0 && stop < scan_.mcus()) {
      at_ = FindMarker(file_, at_);
      const int marker = MarkerAt(at_);
      if (marker < kRestart0 || marker > kRestart0 + 7) break;
      const int ahead = (marker - kRestart0 - next_) & 7;
      PassMarker();
      if (ahead > kMostMissing) continue;
      mcu_ = std::min(scan_.mcus(), stop + ahead * interval_);
      next_ = (next_ + ahead + 1) & 7;
      reading_.pixels_lost += PixelsOf(frame_, scan_, from, mcu_);
      return;
    }
    at_ = FindMarker(file_, at_);
    mcu_ = scan_.mcus();
    reading_.pixels_lost += PixelsOf(frame_, scan_, from, mcu_);
  }

  std::span<const std::uint8_t> file_;
  const JpegFrame& frame_;
  const JpegScan& scan_;
  std::int64_t interval_;
  int number_;
  ScanReading reading_;
  std::size_t at_ = 0;
  std::int64_t mcu_ = 0;
  std::int64_t lost_from_ = 0;
  int next_ = 0;  // the restart marker that is due
};

}  // namespace

ScanReading ReadScanData(std::span<const std::uint8_t> file, std::size_t begin,
                         const JpegFrame& frame, const JpegScan& scan, std::int64_t interval,
                         int number, EntropyScan& blocks) {
  return ScanWalk(file, frame, scan, interval, number).Walk(begin, blocks);
}

}  // namespace millrace
