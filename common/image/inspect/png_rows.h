// The compressed rows of one PNG picture, looked at as they are inflated: their number, and each
// one's filter byte.
#pragma once

#include <zlib.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/image/inspect/inspectors.h"

namespace millrace {

struct PngShape {
  std::int64_t width = 0;   // pixels
  std::int64_t height = 0;  // likewise
  int bits = 0;             // a pixel
  bool interlaced = false;
};

// Bits a pixel; 0 for a combination that PNG does not have.
int PngBits(int depth, int color_type);

class PngRows {
 public:
  struct Fault {
    std::string what;
    std::size_t offset = 0;  // in the file, about
    bool checksum = false;   // the rows' own is wrong, and nothing else
  };

  explicit PngRows(const PngShape& shape);
  ~PngRows();
  PngRows(const PngRows&) = delete;
  PngRows& operator=(const PngRows&) = delete;

  // Whether `data` is that of all rows and nothing else is wrong with it: it inflates to their
  // number of bytes, with its own end and checksum, and each row's filter exists. A quick answer,
  // to be asked before any piece is added; false where there is anything to say, and for pictures
  // that would take more than kMaxWholeBytes.
  [[nodiscard]] bool IsWhole(FileBytes data) const;
  static constexpr std::int64_t kMaxWholeBytes = 128 << 20;

  // The next piece of the data; `offset`: where it lies in the file.
  void Add(FileBytes piece, std::size_t offset);

  [[nodiscard]] const std::optional<Fault>& fault() const { return fault_; }
  // Every row of every pass is there.
  [[nodiscard]] bool complete() const { return pass_ >= passes_; }
  // The data's own end and checksum are there.
  [[nodiscard]] bool ended() const { return ended_; }
  // Whether the complete rows are those that were written though their data's end was not met: the
  // checksum that stands where it should end, or a little behind, is theirs. `rest`: the file from
  // the last piece's end on. Where the file ends, what there is of the checksum counts.
  [[nodiscard]] bool ChecksumFollows(FileBytes rest) const;
  // Share of the picture's bytes that are not there, 0 to 1.
  [[nodiscard]] double Missing() const;

 private:
  struct Pass {
    std::int64_t rows = 0;
    std::int64_t row_bytes = 0;  // with the filter byte
  };

  void Take(const std::uint8_t* bytes, std::size_t count, std::size_t offset);
  void SkipEmptyPasses();
  [[nodiscard]] bool WrongChecksum() const;  // is what inflate complained of

  static constexpr std::size_t kBufferBytes = 256 * 1024;
  std::unique_ptr<std::uint8_t[]> buffer_;
  z_stream stream_ = {};
  std::array<Pass, 7> pass_shapes_;
  int passes_ = 1;
  int pass_ = 0;
  std::int64_t row_ = 0;        // of the pass
  std::int64_t into_row_ = 0;   // bytes
  std::int64_t total_ = 0;      // bytes of all rows
  std::int64_t taken_ = 0;      // of those
  std::uint32_t checksum_ = 0;  // of the rows, once complete
  FileBytes end_;               // of the last piece, from about there on
  std::size_t end_used_ = 0;    // bytes of that which zlib had taken then
  bool ended_ = false;
  bool stray_ = false;  // behind the last row something else follows
  std::optional<Fault> fault_;
};

}  // namespace millrace
