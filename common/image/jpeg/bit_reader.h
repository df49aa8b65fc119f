// The bits of a JPEG's entropy-coded data (ITU-T T.81, B.1.1.5): FF 00 is the byte FF, FF and any
// other byte is a marker, at which the data ends.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace millrace {

// The data of an interval, and what was met in it.
struct EntropyData {
  const std::uint8_t* begin = nullptr;
  const std::uint8_t* end = nullptr;  // of the file: the data itself ends at a marker
  // Bits that a reader got behind the data's end.
  int made_up = 0;
  // An FF of the data was preceded by others, which are fillers and allowed before a marker only.
  bool odd_filler = false;
};

// 64 bits of the data, those to be read next in the highest places.
//
// After Refill there are at least kRefilled bits, which the caller may look at and skip without
// another check. Behind the end of the data they are zeros: Overrun() says afterwards that some of
// these were skipped. The loops that read millions of symbols keep a copy, whose address they must
// not take, in registers; what is seldom needed is in the EntropyData, which outlives the reader.
class BitReader {
 public:
  static constexpr int kRefilled = 56;

  explicit BitReader(EntropyData& data) : at_(data.begin), end_(data.end), data_(&data) {}

  [[gnu::always_inline]] void Refill() {
    if (end_ - at_ >= 8) [[likely]] {
      const std::uint64_t word = Load(at_);
      if (!HasFf(word)) [[likely]] {
        // The bits below count_ may hold the beginning of the byte at at_ already: the same bits.
        bits_ |= word >> count_;
        at_ += (63 - count_) >> 3;
        count_ |= kRefilled;
        return;
      }
    }
    const Refilled more = RefilledByBytes({bits_, at_}, count_, data_);
    bits_ = more.bits;
    at_ = more.at;
    count_ |= kRefilled;
  }

  // The next n bits, 1 to kRefilled, as a number.
  [[nodiscard]] std::uint64_t Peek(int n) const { return bits_ >> (64 - n); }
  // n: 0 to 63, and no more than there are.
  void Skip(int n) {
    bits_ <<= n;
    count_ -= n;
  }
  // Back to the bits in hand of an earlier copy, after which there was no refill.
  void TakeBack(const BitReader& earlier) {
    bits_ = earlier.bits_;
    count_ = earlier.count_;
  }
  // Any number of bits; refills as it needs.
  [[gnu::always_inline]] void SkipMany(int n) {
    for (; n > kRefilled; n -= kRefilled) {
      Refill();
      Skip(kRefilled);
    }
    Refill();
    Skip(n);
  }

  // Whether bits were skipped that the data does not have.
  [[nodiscard]] bool Overrun() const { return count_ < data_->made_up; }
  // Of a refilled reader: whether the data has fewer than n bits left, n up to kRefilled.
  [[nodiscard]] bool EndsWithin(int n) const { return count_ - data_->made_up < n; }

  // What is left where an interval's last MCU was read.
  struct Rest {
    std::int64_t whole_bytes = 0;          // that no MCU used, of the data, before the next marker
    bool filler = true;                    // they are all zero, or all FF
    bool padding = true;                   // the bits before them are all zero, or all one
    const std::uint8_t* marker = nullptr;  // where the first FF before the marker is, or the end
  };
  [[nodiscard]] Rest ReadRest() const;

  // The byte that holds the next bit, or the end of the data.
  [[nodiscard]] const std::uint8_t* Position() const;

 private:
  static std::uint64_t Load(const std::uint8_t* at) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    if constexpr (std::endian::native == std::endian::little) word = __builtin_bswap64(word);
    return word;
  }
  static bool HasFf(std::uint64_t word) {
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    return ((~word - kOnes) & word & (kOnes << 7)) != 0;
  }
  struct Refilled {
    std::uint64_t bits;
    const std::uint8_t* at;
  };
  static Refilled RefilledByBytes(Refilled from, int count, EntropyData* data);
  // The next byte of the data, at which `at` points, into `byte`; false at its end.
  static bool NextByte(EntropyData& data, const std::uint8_t*& at, std::uint8_t& byte);

  std::uint64_t bits_ = 0;
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  int count_ = 0;  // bits that may be skipped
  EntropyData* data_;
};

}  // namespace millrace
