// The blocks of baseline and extended sequential scans (ITU-T T.81, F.2.2).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/image/jpeg/entropy.h"

namespace millrace {

class SequentialScan final : public EntropyScan {
 public:
  // `blocks`: of an MCU, in their order, each with the tables dc, ac and runs. `dcs`: has room for
  // the DC coefficients of all blocks.
  SequentialScan(std::vector<EntropyTables> blocks, int sample_bits, std::span<std::int16_t> dcs)
      : blocks_(std::move(blocks)), sample_bits_(sample_bits), dcs_(dcs) {}

  std::int64_t Read(BitReader& reader, std::int64_t from, std::int64_t to) override;

 private:
  bool ReadBlock(BitReader& reader, const EntropyTables& tables, DcSums& sums, std::int16_t& dc_at);
  // A single symbol of coefficient `k` or later: the next coefficient, 64 at the block's end, or
  // -1, with a fault.
  int ReadSymbol(BitReader& reader, const HuffmanTable& ac, int k);

  std::vector<EntropyTables> blocks_;
  int sample_bits_;
  std::span<std::int16_t> dcs_;
};

}  // namespace millrace
