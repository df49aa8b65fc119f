#include "common/image/jpeg/table_signs.h"

#include <algorithm>
#include <bitset>
#include <cstddef>

#include "common/image/jpeg/entropy.h"

namespace millrace {
namespace {

// ITU-T T.81, tables K.1 and K.2, in zigzag order.
constexpr std::array<std::array<int, 64>, 2> kExamples = {{
    {16, 11, 12,  14,  12,  10, 16, 14,  13,  14,  18,  17,  16, 19,  24,  40,
     26, 24, 22,  22,  24,  49, 35, 37,  29,  40,  58,  51,  61, 60,  57,  51,
     56, 55, 64,  72,  92,  78, 64, 68,  87,  69,  55,  56,  80, 109, 81,  87,
     95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99},
    {17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99, 99, 99, 99, 99, 99, 99,
     99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
     99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99},
}};

// As libjpeg's jpeg_quality_scaling.
int ScaleOf(int quality) { return quality < 50 ? 5000 / quality : 200 - quality * 2; }

int Scaled(int value, int scale, int largest) {
  return std::clamp((value * scale + 50) / 100, 1, largest);
}

// Whether the table is `example` at that scale but for one entry far off.
bool OneIsFarOff(const std::array<int, 64>& table, const std::array<int, 64>& example, int scale,
                 int largest) {
  int wrong = 0;
  bool far = false;
  std::bitset<256> distinct;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const int expected = Scaled(example[i], scale, largest);
    distinct.set(static_cast<std::size_t>(expected & 255));
    if (table[i] == expected) continue;
    if (++wrong > 1) return false;
    far = table[i] >= 2 * expected || 2 * table[i] <= expected;
  }
  // A table of few values may be somebody's own.
  return wrong == 1 && far && distinct.count() >= 6;
}

}  // namespace

bool HasStrayEntry(const std::array<int, 64>& table, int largest) {
  for (const std::array<int, 64>& example : kExamples) {
    for (int quality = 1; quality <= 100; ++quality) {
      if (OneIsFarOff(table, example, ScaleOf(quality), largest)) return true;
    }
  }
  return false;
}

const char* SignOfDamage(const HuffmanTable& table, HuffmanKind kind, int sample_bits) {
  std::bitset<256> seen;
  int impossible = 0;
  for (const HuffmanTable::Entry& entry : table.Entries()) {
    if (seen[entry.symbol]) return "a Huffman table has two codes for one symbol";
    seen.set(entry.symbol);
    const int size = entry.symbol & 15;
    const int run = entry.symbol >> 4;
    const bool possible =
        kind == HuffmanKind::kDc
            ? entry.symbol <= MaxDcSize(sample_bits)
            : size <= MaxAcSize(sample_bits) &&
                  (size > 0 || kind == HuffmanKind::kProgressiveAc || run == 0 || run == 15);
    impossible += possible ? 0 : 1;
  }
  // Tables that have all there are, whatever the picture, are somebody's habit.
  return impossible == 1 ? "a Huffman table has a symbol that cannot occur" : nullptr;
}

}  // namespace millrace
