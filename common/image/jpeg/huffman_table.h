// Huffman tables of a JPEG (ITU-T T.81, annexes C and F), made for a reader that wants to know how
// far the values reach and not what they are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "common/image/jpeg/bit_reader.h"

namespace millrace {

// How a DHT segment gives it: how many codes there are of each length, and what they stand for.
struct HuffmanCode {
  std::array<std::uint8_t, 16> counts = {};  // of the lengths 1 to 16
  std::array<std::uint8_t, 256> symbols = {};
};

// A code and the symbol it stands for. No code consists of ones alone (C.2).
class HuffmanTable {
 public:
  static constexpr int kWindow = 10;  // bits that one look-up takes in

  // Nothing where the counts are of no prefix code.
  static std::optional<HuffmanTable> Make(const HuffmanCode& code);

  struct Symbol {
    int bits = 0;  // of the code; 0: the next bits are of no code
    int value = 0;
  };
  // Of a reader with 16 bits or more in hand.
  [[nodiscard]] Symbol Next(const BitReader& reader) const {
    const std::uint16_t found = window_[reader.Peek(kWindow)];
    if (found != 0) [[likely]]
      return {found >> 8, found & 0xFF};
    return Search(reader);
  }

  // Every code, by length and then by value.
  struct Entry {
    int bits;
    unsigned code;
    std::uint8_t symbol;
  };
  [[nodiscard]] std::vector<Entry> Entries() const;

 private:
  [[nodiscard]] Symbol Search(const BitReader& reader) const;

  HuffmanCode code_;
  // Of each length: the first code, and one beyond the last, as numbers of 16 bits; and which
  // symbol is the first one's.
  std::array<unsigned, 17> first_ = {};
  std::array<unsigned, 17> limit_ = {};
  std::array<int, 17> index_ = {};
  // By the next kWindow bits: the code's length << 8 | its symbol; 0 where it is longer.
  std::array<std::uint16_t, std::size_t{1} << kWindow> window_ = {};
};

// The AC coefficients of sequential blocks: one look-up passes over all symbols, with their values'
// bits, of which the codes lie within the next kWindow bits.
class RunTable {
 public:
  static constexpr int kWindow = 12;

  // max_size: the largest size of a value that is read without a remark.
  RunTable(const HuffmanTable& table, int max_size);

  // What a look-up finds:
  //   bits 0-4   how many bits the symbols and their values take
  //   bit 5      the last symbol is the end of the block
  //   bits 6-12  how many coefficients are passed, 1 for an end of block; and 64 more for that
  // kNothing where no symbol can be passed this way.
  using Found = std::uint16_t;
  static constexpr Found kEndOfBlock = 1 << 5;
  static constexpr Found kNothing = 127 << 6;
  static constexpr int BitsOf(Found found) { return found & 31; }
  static constexpr int AdvanceOf(Found found) { return found >> 6; }

  [[nodiscard]] Found Next(const BitReader& reader) const { return entries_[reader.Peek(kWindow)]; }

 private:
  std::array<Found, std::size_t{1} << kWindow> entries_;
};

// The AC coefficients of a first progressive scan: up to two symbols, with where they lead, since
// later scans need to know which coefficients are not zero.
class PairTable {
 public:
  static constexpr int kWindow = 11;

  PairTable(const HuffmanTable& table, int max_size);

  // bits 0-7    how many bits they take; 0: no symbol can be passed this way
  // bits 8-15   how many coefficients of zero come before the first value
  // bits 16-23  likewise, before the last value, and how many values come between
  using Found = std::uint32_t;
  static constexpr int BitsOf(Found found) { return static_cast<int>(found & 0xFF); }
  static constexpr int FirstOf(Found found) { return static_cast<int>(found >> 8 & 0xFF); }
  static constexpr int LastOf(Found found) { return static_cast<int>(found >> 16); }

  [[nodiscard]] Found Next(const BitReader& reader) const { return entries_[reader.Peek(kWindow)]; }

 private:
  std::array<Found, std::size_t{1} << kWindow> entries_ = {};
};

// The tables of K.3, which a file of Motion JPEG may leave out. kind: 0 for DC, 1 for AC; number: 0
// for luminance, 1 for chrominance.
const HuffmanCode& StandardHuffmanCode(int kind, int number);

}  // namespace millrace
