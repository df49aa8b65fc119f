#include "common/image/jpeg/sequential_scan.h"

namespace millrace {
namespace {

// What one look-up of a RunTable takes at most: its window, the last value's bits behind that.
constexpr int kMostBits = 28;
static_assert(RunTable::kWindow + 15 <= kMostBits && 2 * kMostBits <= BitReader::kRefilled);

}  // namespace

[[gnu::noinline]] int SequentialScan::ReadSymbol(BitReader& reader, const HuffmanTable& ac, int k) {
  reader.Refill();
  const HuffmanTable::Symbol symbol = ac.Next(reader);
  if (symbol.bits == 0) {
    fault_ = EntropyFault::kNoCode;
    return -1;
  }
  const int size = symbol.value & 15;
  const int run = symbol.value >> 4;
  reader.Skip(symbol.bits + size);
  if (size == 0 && run != 15) {
    // As libjpeg does, which takes all of these for the end of one block.
    oddities_.end_code = oddities_.end_code || run != 0;
    return 64;
  }
  oddities_.large_value = oddities_.large_value || size > MaxAcSize(sample_bits_);
  k += run + 1;
  if (k <= 64) return k;
  fault_ = EntropyFault::kPastEnd;
  return -1;
}

[[gnu::always_inline]] inline bool SequentialScan::ReadBlock(BitReader& reader,
                                                             const EntropyTables& tables,
                                                             DcSums& sums, std::int16_t& dc_at) {
  reader.Refill();
  const HuffmanTable::Symbol dc = tables.dc->Next(reader);
  if (dc.bits == 0) [[unlikely]] {
    fault_ = EntropyFault::kNoCode;
    return false;
  }
  BitReader value = reader;
  value.Skip(dc.bits);
  if (!sums.Add(value, dc.value, tables)) [[unlikely]]
    oddities_.out_of_range = true;
  dc_at = sums.Of(tables);
  reader.Skip(dc.bits + dc.value);
  if (dc.value > MaxDcSize(sample_bits_)) [[unlikely]]
    oddities_.large_value = true;
  if (dc.bits + dc.value > kMostBits) [[unlikely]]
    reader.Refill();

  int k = 1;
  while (true) {
    // Two look-ups to a refill; the first one's other half was the DC coefficient.
    BitReader before = reader;
    int k_before = k;
    RunTable::Found found = tables.runs->Next(reader);
    reader.Skip(RunTable::BitsOf(found));
    k += RunTable::AdvanceOf(found);
    if (k < 64) [[likely]] {
      reader.Refill();
      before = reader;
      k_before = k;
      found = tables.runs->Next(reader);
      reader.Skip(RunTable::BitsOf(found));
      k += RunTable::AdvanceOf(found);
      if (k < 64) continue;
    }
    // An end of block counts 64 and 1.
    const bool ended = (found & RunTable::kEndOfBlock) != 0;
    if (ended ? k <= 128 : k == 64) [[likely]]
      return true;
    // The look-up went into the next block, or met what only a closer look can tell.
    reader.TakeBack(before);
    // A copy, since the address of the caller's would keep it out of registers.
    BitReader slow = reader;
    k = ReadSymbol(slow, *tables.ac, k_before);
    reader = slow;
    if (k < 0) return false;
    if (k == 64) return true;
    reader.Refill();
  }
}

std::int64_t SequentialScan::Read(BitReader& reader, std::int64_t from, std::int64_t to) {
  fault_ = EntropyFault::kNone;
  BitReader bits = reader;
  DcSums sums;
  std::int16_t* dc = dcs_.data() + static_cast<std::size_t>(from) * blocks_.size();
  for (; from < to; ++from) {
    for (const EntropyTables& tables : blocks_) {
      if (!ReadBlock(bits, tables, sums, *dc++)) [[unlikely]]
        goto end;
    }
    if (bits.Overrun()) [[unlikely]]
      break;
    if (oddities_.any() && oddities_.mcu < 0) [[unlikely]]
      oddities_.mcu = from;
  }
end:
  reader = bits;
  return from;
}

}  // namespace millrace
