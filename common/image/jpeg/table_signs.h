// Signs of damage in a JPEG's tables: what no encoder writes.
#pragma once

#include <array>

#include "common/image/jpeg/huffman_table.h"

namespace millrace {

// Whether a quantization table (in zigzag order) is one that libjpeg scales from the standard's
// examples, but for one entry, which is twice or half of what it should be, or further off. Almost
// all encoders have these tables or quite other ones. `largest`: the cap on its entries.
bool HasStrayEntry(const std::array<int, 64>& table, int largest);

enum class HuffmanKind { kDc, kSequentialAc, kProgressiveAc };

// nullptr: none. A symbol with two codes, or a single one that cannot occur.
const char* SignOfDamage(const HuffmanTable& table, HuffmanKind kind, int sample_bits);

}  // namespace millrace
