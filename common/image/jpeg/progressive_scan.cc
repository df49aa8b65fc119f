#include "common/image/jpeg/progressive_scan.h"

#include <algorithm>
#include <bit>

namespace millrace {
namespace {

// The coefficients from `first` on.
constexpr std::uint64_t From(int first) { return first < 64 ? ~std::uint64_t{0} << first : 0; }

// std::popcount is a call where the machine's instruction may not be taken for granted.
int CountOnes(std::uint64_t word) {
  word -= word >> 1 & 0x5555555555555555;
  word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
  word = (word + (word >> 4)) & 0x0F0F0F0F0F0F0F0F;
  return static_cast<int>(word * 0x0101010101010101 >> 56);
}

}  // namespace

std::int64_t DcScan::Read(BitReader& reader, std::int64_t from, std::int64_t to) {
  fault_ = EntropyFault::kNone;
  BitReader bits = reader;
  DcSums sums;
  for (; from < to; ++from) {
    if (refines_) {
      bits.SkipMany(static_cast<int>(blocks_.size()));
    } else {
      std::int16_t* dc_at = dcs_.data() + static_cast<std::size_t>(from) * blocks_.size();
      for (const EntropyTables& tables : blocks_) {
        bits.Refill();
        const HuffmanTable::Symbol dc = tables.dc->Next(bits);
        if (dc.bits == 0) {
          fault_ = EntropyFault::kNoCode;
          break;
        }
        bits.Skip(dc.bits);
        if (!sums.Add(bits, dc.value, tables)) oddities_.out_of_range = true;
        *dc_at++ = sums.Of(tables);
        bits.Skip(dc.value);
        if (dc.value > MaxDcSize(sample_bits_)) oddities_.large_value = true;
      }
      if (fault_ != EntropyFault::kNone) break;
    }
    if (bits.Overrun()) break;
    if (oddities_.any() && oddities_.mcu < 0) oddities_.mcu = from;
  }
  reader = bits;
  return from;
}

void AcScan::ReadEnd(BitReader& reader, int exponent) {
  ended_ = std::int64_t{1} << exponent;
  if (exponent > 0) {
    reader.Refill();
    ended_ += static_cast<std::int64_t>(reader.Peek(exponent));
    reader.Skip(exponent);
  }
}

inline bool AcScan::ReadFirstBlock(BitReader& reader, std::uint64_t& nonzero) {
  const int end = last_ + 1;
  std::uint64_t found = 0;
  for (int k = first_; k < end;) {
    reader.Refill();
    const PairTable::Found pair = tables_.pairs->Next(reader);
    const int next = k + PairTable::LastOf(pair) + 1;
    if (PairTable::BitsOf(pair) != 0 && next <= end) [[likely]] {
      reader.Skip(PairTable::BitsOf(pair));
      found |= std::uint64_t{1} << (k + PairTable::FirstOf(pair)) | std::uint64_t{1} << (next - 1);
      k = next;
      continue;
    }
    const HuffmanTable::Symbol symbol = tables_.ac->Next(reader);
    if (symbol.bits == 0) return Fail(EntropyFault::kNoCode);
    const int size = symbol.value & 15;
    const int run = symbol.value >> 4;
    reader.Skip(symbol.bits + size);
    if (size == 0 && run != 15) {
      ReadEnd(reader, run);
      --ended_;
      break;
    }
    oddities_.large_value = oddities_.large_value || size > MaxAcSize(sample_bits_);
    k += run + 1;
    if (k > end) return Fail(EntropyFault::kPastEnd);
    if (size != 0) found |= std::uint64_t{1} << (k - 1);
  }
  nonzero |= found;
  return true;
}

std::int64_t AcScan::ReadFirst(BitReader& reader, std::int64_t from, std::int64_t to) {
  while (from < to) {
    const std::int64_t skipped = std::min(ended_, to - from);
    from += skipped;
    ended_ -= skipped;
    if (from == to) break;
    if (!ReadFirstBlock(reader, nonzero_[static_cast<std::size_t>(from)]) || reader.Overrun()) {
      break;
    }
    ++from;
  }
  return from;
}

inline bool AcScan::ReadRefinedBlock(BitReader& reader, std::uint64_t& nonzero) {
  const std::uint64_t band = From(first_) & ~From(last_ + 1);
  for (int k = first_; ended_ == 0 && k <= last_;) {
    reader.Refill();
    const HuffmanTable::Symbol symbol = tables_.ac->Next(reader);
    if (symbol.bits == 0) return Fail(EntropyFault::kNoCode);
    reader.Skip(symbol.bits);
    const int size = symbol.value & 15;
    const int run = symbol.value >> 4;
    if (size == 0 && run != 15) {
      ReadEnd(reader, run);
      // What is left of this block: a bit of each coefficient that is known.
      reader.SkipMany(CountOnes(nonzero & band & From(k)));
      --ended_;
      return true;
    }
    if (size > 1) return Fail(EntropyFault::kRefinement);
    reader.Skip(size);  // the sign
    // To the coefficient behind `run` others that are zero so far.
    std::uint64_t zeros = ~nonzero & band & From(k);
    for (int i = 0; i < run; ++i) zeros &= zeros - 1;
    if (zeros == 0) return Fail(EntropyFault::kPastEnd);
    const int place = std::countr_zero(zeros);
    reader.SkipMany(CountOnes(nonzero & From(k) & ~From(place)));
    if (size == 1) nonzero |= std::uint64_t{1} << place;
    k = place + 1;
  }
  return true;
}

std::int64_t AcScan::ReadRefinement(BitReader& reader, std::int64_t from, std::int64_t to) {
  const std::uint64_t band = From(first_) & ~From(last_ + 1);
  for (; from < to; ++from) {
    std::uint64_t& nonzero = nonzero_[static_cast<std::size_t>(from)];
    if (ended_ > 0) {
      --ended_;
      reader.SkipMany(CountOnes(nonzero & band));
    } else if (!ReadRefinedBlock(reader, nonzero)) {
      break;
    }
    if (reader.Overrun()) break;
  }
  return from;
}

std::int64_t AcScan::Read(BitReader& reader, std::int64_t from, std::int64_t to) {
  fault_ = EntropyFault::kNone;
  ended_ = 0;
  BitReader bits = reader;
  from = refines_ ? ReadRefinement(bits, from, to) : ReadFirst(bits, from, to);
  // After a run of ended blocks too long for the data this is all that tells.
  if (from == to && ended_ > 0) oddities_.end_run = true;
  if (oddities_.any() && oddities_.mcu < 0) oddities_.mcu = to - 1;
  reader = bits;
  return from;
}

}  // namespace millrace
