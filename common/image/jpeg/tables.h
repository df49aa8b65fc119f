// The tables that a JPEG has defined so far (ITU-T T.81, B.2.4).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "common/image/jpeg/entropy.h"
#include "common/image/jpeg/frame.h"
#include "common/image/jpeg/table_signs.h"

namespace millrace {

class JpegTables {
 public:
  // Segments without their marker and length.
  JpegRefusal ReadHuffman(std::span<const std::uint8_t> segment);
  JpegRefusal ReadQuantization(std::span<const std::uint8_t> segment);
  JpegRefusal ReadRestartInterval(std::span<const std::uint8_t> segment);

  // In MCUs; 0: no restarts.
  [[nodiscard]] std::int64_t restart_interval() const { return restart_interval_; }
  // Of a table's first entry; -1: there is no such table.
  [[nodiscard]] int QuantizationOfDc(int number) const {
    return number < 4 ? quantization_[static_cast<std::size_t>(number)] : -1;
  }
  // What of the tables so far looks damaged; nullptr: nothing.
  [[nodiscard]] const char* suspicious() const { return suspicious_; }

  // Takes the standard tables for those that are not defined, as decoders of Motion JPEG do.
  void DefineStandard();

  // Makes the tables that a scan needs, which stay until they are defined anew.
  JpegRefusal MakeDc(int number, int sample_bits, EntropyTables& tables);
  enum class AcKind { kSequential, kFirst, kRefinement };
  JpegRefusal MakeAc(int number, AcKind kind, int sample_bits, EntropyTables& tables);

 private:
  struct Slot {
    std::optional<HuffmanCode> code;
    std::unique_ptr<HuffmanTable> table;
    std::unique_ptr<RunTable> runs;
    std::unique_ptr<PairTable> pairs;
  };
  JpegRefusal Make(Slot& slot, HuffmanKind kind, int sample_bits);

  std::array<Slot, 4> dc_;
  std::array<Slot, 4> ac_;
  std::array<int, 4> quantization_ = {-1, -1, -1, -1};
  std::int64_t restart_interval_ = 0;
  const char* suspicious_ = nullptr;
};

}  // namespace millrace
