// What the readers of all kinds of scans share: what they are given, and what they tell.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/image/jpeg/bit_reader.h"
#include "common/image/jpeg/huffman_table.h"

namespace millrace {

// The tables of a component in a scan; null where the scan's kind needs none.
struct EntropyTables {
  const HuffmanTable* dc = nullptr;
  const HuffmanTable* ac = nullptr;
  const RunTable* runs = nullptr;
  const PairTable* pairs = nullptr;
  // Which of the scan's components it is, and what its DC coefficients may be: from dc_low on,
  // dc_span further values.
  std::size_t part = 0;
  std::uint32_t dc_low = 0;  // modulo 2^32
  std::uint32_t dc_span = ~std::uint32_t{0};
};

// Why a block cannot be known.
enum class EntropyFault {
  kNone,
  kNoCode,      // the next bits are of no code
  kPastEnd,     // a run leads beyond the last coefficient
  kRefinement,  // a value of more than one bit in a scan that refines
};

// What an encoder does not write, though the block is known.
struct EntropyOddities {
  bool out_of_range = false;  // a DC coefficient that no samples have
  bool large_value = false;   // of a size that samples of so many bits cannot have
  bool end_code = false;      // a code that ends several blocks, in a sequential scan
  bool end_run = false;       // a run of ended blocks leads beyond the interval

  std::int64_t mcu = -1;  // the first of them
  [[nodiscard]] bool any() const { return out_of_range || large_value || end_code || end_run; }
};

// The blocks of a scan.
class EntropyScan {
 public:
  virtual ~EntropyScan() = default;
  // Reads MCUs `from` to `to` - 1, a whole restart interval. Returns the first one that was not
  // read: `to`, or where the data ended (reader.Overrun()) or fault() came up.
  virtual std::int64_t Read(BitReader& reader, std::int64_t from, std::int64_t to) = 0;

  // Of the last call.
  [[nodiscard]] EntropyFault fault() const { return fault_; }
  // Of all calls so far.
  [[nodiscard]] const EntropyOddities& oddities() const { return oddities_; }

 protected:
  bool Fail(EntropyFault fault) {
    fault_ = fault;
    return false;
  }

  EntropyFault fault_ = EntropyFault::kNone;
  EntropyOddities oddities_;
};

// The differences that DC coefficients are coded as, added up by component.
class DcSums {
 public:
  // Adds the difference of `size` bits that begins at the reader's next bit. Returns whether the
  // coefficient is one that samples can have.
  bool Add(const BitReader& reader, int size, const EntropyTables& tables) {
    // The first bit tells the sign; in two steps, since a size may be 0.
    const std::uint64_t next = reader.Peek(BitReader::kRefilled);
    const auto value = static_cast<std::uint32_t>(next >> (BitReader::kRefilled - size));
    const auto negative =
        static_cast<std::uint32_t>(next >> (BitReader::kRefilled - 1)) - 1;  // all ones or 0
    sums_[tables.part] += value - (negative & ((std::uint32_t{1} << size) - 1));
    return sums_[tables.part] - tables.dc_low <= tables.dc_span;
  }
  // The coefficient that the last difference led to.
  [[nodiscard]] std::int16_t Of(const EntropyTables& tables) const {
    return static_cast<std::int16_t>(sums_[tables.part]);
  }

 private:
  std::array<std::uint32_t, 4> sums_ = {};
};

// Sizes that a value can have (F.1.2.1 and F.1.2.2; F.1.5 for 12 bits).
constexpr int MaxDcSize(int sample_bits) { return sample_bits + 3; }
constexpr int MaxAcSize(int sample_bits) { return sample_bits + 2; }

}  // namespace millrace
