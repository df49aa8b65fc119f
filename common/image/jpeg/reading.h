// What is found out about a JPEG.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace millrace {

// Something that is not as it should be.
struct JpegTrouble {
  const char* what = "";   // a clause about "the JPEG": "its scan is …"
  std::size_t offset = 0;  // of the byte where it shows
  // Within a scan, counted from 1; 0: between the scans.
  int scan = 0;
  std::int64_t mcu = 0;   // the first that is wrong, counted from 0
  std::int64_t mcus = 0;  // of the scan

  // A seam: all blocks that follow the MCU are off. It is found in what was read, and where in the
  // file it begins is not known.
  struct Seam {
    double levels = 0;   // by so many, of 255
    double times = 0;    // so many times the usual step between this picture's rows of MCUs
    std::int64_t x = 0;  // the MCU's upper left corner
    std::int64_t y = 0;
  };
  std::optional<Seam> seam = std::nullopt;

  // "…, in MCU 17 of 300 of scan 1"
  [[nodiscard]] std::string Text() const;
};

struct JpegReading {
  enum class Verdict {
    kWhole,      // every MCU of every scan was read
    kTruncated,  // the file ends before its MCUs do
    kCorrupt,    // an MCU is missing or cannot be known
    kNotTaken,   // a kind of JPEG that this reader does not read: `kind` says which
    kCostly,     // more scans or pixels than allowed
  };
  Verdict verdict = Verdict::kWhole;
  // Of kTruncated and kCorrupt, the first damage.
  JpegTrouble damage;
  const char* kind = "";
  bool arithmetic = false;  // kNotTaken: libjpeg reads it
  // The first sign of damage that cost no MCU.
  std::optional<JpegTrouble> suspicious;
  // The first thing that encoders are known to do, though the standard does not have it.
  std::optional<JpegTrouble> odd;
  // The share of the pixels that the damage costs, where all components are in one sequential scan,
  // or where DC coefficients are lost: 0 to 1.
  std::optional<double> lost;
  std::int64_t width = 0;
  std::int64_t height = 0;
  int sample_bits = 8;
  bool height_follows = false;       // it is in a DNL segment
  bool fractional_sampling = false;  // a component's pixels do not divide the picture's
  // Behind the end-of-image marker; of a picture that has none, where reading stopped.
  std::size_t end = 0;
};

}  // namespace millrace
