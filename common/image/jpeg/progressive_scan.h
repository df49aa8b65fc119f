// The blocks of progressive scans (ITU-T T.81, G.1.2 and G.2).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/image/jpeg/entropy.h"

namespace millrace {

// Of DC coefficients: their high bits, or one more bit of each.
class DcScan final : public EntropyScan {
 public:
  // `blocks`: of an MCU, in their order; each with the table dc, unless the scan refines. `dcs`:
  // has room for the coefficients of all blocks, unless the scan refines.
  DcScan(std::vector<EntropyTables> blocks, bool refines, int sample_bits,
         std::span<std::int16_t> dcs)
      : blocks_(std::move(blocks)), refines_(refines), sample_bits_(sample_bits), dcs_(dcs) {}

  std::int64_t Read(BitReader& reader, std::int64_t from, std::int64_t to) override;

 private:
  std::vector<EntropyTables> blocks_;
  bool refines_;
  int sample_bits_;
  std::span<std::int16_t> dcs_;
};

// Of one component's AC coefficients: their high bits, or one more bit of each. An MCU is a block.
class AcScan final : public EntropyScan {
 public:
  // `nonzero`: of each block, which coefficients are known not to be zero; brought up to date.
  // `tables`: ac, and pairs unless the scan refines.
  AcScan(std::span<std::uint64_t> nonzero, const EntropyTables& tables, int first, int last,
         bool refines, int sample_bits)
      : nonzero_(nonzero),
        tables_(tables),
        first_(first),
        last_(last),
        refines_(refines),
        sample_bits_(sample_bits) {}

  std::int64_t Read(BitReader& reader, std::int64_t from, std::int64_t to) override;

 private:
  std::int64_t ReadFirst(BitReader& reader, std::int64_t from, std::int64_t to);
  std::int64_t ReadRefinement(BitReader& reader, std::int64_t from, std::int64_t to);
  // One block; they leave in ended_ how many more blocks have no further values.
  bool ReadFirstBlock(BitReader& reader, std::uint64_t& nonzero);
  bool ReadRefinedBlock(BitReader& reader, std::uint64_t& nonzero);
  // The bits of a code that ends blocks, this one and those in ended_.
  void ReadEnd(BitReader& reader, int exponent);

  std::span<std::uint64_t> nonzero_;
  EntropyTables tables_;
  int first_;
  int last_;
  bool refines_;
  int sample_bits_;
  std::int64_t ended_ = 0;
};

}  // namespace millrace
