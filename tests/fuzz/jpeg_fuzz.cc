// Our reader of JPEGs under libFuzzer, beside libjpeg.
//
// Any bytes give a reading, in memory bounded by the caps. What libjpeg complains of, fed in pieces
// so small that its strict Huffman decoder runs, is not passed over; and what libjpeg reads without
// a complaint is called broken only for what it is known not to look at. Reading what was read says
// the same again.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/image/inspect/libjpeg_walk.h"
#include "common/image/jpeg/jpeg_reader.h"
#include "tests/fuzz/heap_peak.h"
#include "tests/fuzz/require.h"

namespace millrace {
namespace {

constexpr std::int64_t kMaxPixels = 1 << 16;
constexpr int kMaxScans = 50;

// Tables, and 8 bytes for each block of up to four components.
constexpr std::size_t kMaxHeapBytes = (std::size_t{1} << 19) + 4 * kMaxPixels / 8;

// What libjpeg reads no further than to its header, or not at all.
bool LeftOut(const JpegReading& reading) {
  return reading.verdict == JpegReading::Verdict::kNotTaken ||
         reading.verdict == JpegReading::Verdict::kCostly || reading.sample_bits != 8 ||
         reading.fractional_sampling || reading.height_follows;
}

// libjpeg's silence about these is known (common/image/inspect/inspect_jpeg.cc).
bool KnownSilence(std::string_view what) {
  return what == "a run in its data leads beyond a block" ||
         what == "the scan of a component is missing";
}

void CheckTrouble(const JpegTrouble& trouble, std::size_t size) {
  Require(!trouble.Text().empty(), "a trouble says what it is");
  Require(trouble.offset <= size, "it lies in the file");
  Require(trouble.scan == 0 || (trouble.mcu >= 0 && trouble.mcu < trouble.mcus),
          "an MCU is one of its scan");
}

void CheckReading(const JpegReading& reading, std::size_t size) {
  const bool broken = reading.verdict == JpegReading::Verdict::kTruncated ||
                      reading.verdict == JpegReading::Verdict::kCorrupt;
  if (broken) CheckTrouble(reading.damage, size);
  if (reading.suspicious) CheckTrouble(*reading.suspicious, size);
  if (reading.odd) CheckTrouble(*reading.odd, size);
  Require(!reading.lost || (broken && *reading.lost >= 0 && *reading.lost <= 1),
          "a share of the pixels is one");
  Require(reading.end <= size, "a picture ends within its file");
}

void CheckBesideLibjpeg(std::span<const std::byte> file, const JpegReading& reading) {
  if (LeftOut(reading)) return;
  const LibjpegOpinion libjpeg = AskLibjpeg(file);
  if (libjpeg.costly) return;
  const bool whole = reading.verdict == JpegReading::Verdict::kWhole;
  if (libjpeg.broken && libjpeg.broken->code != ErrorCode::kTooLarge) {
    Require(!whole || reading.suspicious || reading.odd,
            "libjpeg's complaint is not passed over: " + libjpeg.broken->what);
  }
  if (!libjpeg.broken && !whole) {
    Require(KnownSilence(reading.damage.what),
            std::string("libjpeg agrees that it is broken: ") + reading.damage.what);
  }
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;
  if (size < 4 || data[0] != 0xFF || data[1] != 0xD8 || data[2] != 0xFF) return 0;
  const auto file = std::as_bytes(std::span(data, size));
  const JpegReadOptions options{.max_scans = kMaxScans, .max_pixels = kMaxPixels};
  const HeapPeak peak;
  const JpegReading reading = ReadJpeg(file, 0, options);
  CheckReading(reading, size);
  Require(peak.bytes() <= kMaxHeapBytes,
          "reading takes memory within the caps, not " + std::to_string(peak.bytes()));
  CheckBesideLibjpeg(file, reading);
  const JpegReading again = ReadJpeg(file, 0, options);
  Require(again.verdict == reading.verdict && again.end == reading.end, "it reads alike twice");
  return 0;
}
