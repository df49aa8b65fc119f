#include "common/image/jpeg/huffman_table.h"

#include <algorithm>

namespace millrace {

std::optional<HuffmanTable> HuffmanTable::Make(const HuffmanCode& code) {
  HuffmanTable table;
  table.code_ = code;
  unsigned next = 0;
  int index = 0;
  for (int bits = 1; bits <= 16; ++bits) {
    const unsigned count = code.counts[static_cast<std::size_t>(bits - 1)];
    const auto at = static_cast<std::size_t>(bits);
    table.first_[at] = next << (16 - bits);
    table.index_[at] = index;
    index += static_cast<int>(count);
    next += count;
    table.limit_[at] = next << (16 - bits);
    if (index > 256) return std::nullopt;
    // libjpeg asks no more where no codes follow than where they do.
    if (count > 0 && next >= 1U << bits) return std::nullopt;
    next <<= 1;
  }
  for (const Entry& entry : table.Entries()) {
    if (entry.bits > kWindow) break;
    const unsigned begin = entry.code << (kWindow - entry.bits);
    std::fill_n(table.window_.begin() + begin, std::size_t{1} << (kWindow - entry.bits),
                static_cast<std::uint16_t>(entry.bits << 8 | entry.symbol));
  }
  return table;
}

HuffmanTable::Symbol HuffmanTable::Search(const BitReader& reader) const {
  const auto next = static_cast<unsigned>(reader.Peek(16));
  for (int bits = kWindow + 1; bits <= 16; ++bits) {
    const auto at = static_cast<std::size_t>(bits);
    if (next >= limit_[at] || next < first_[at]) continue;
    const int index = index_[at] + static_cast<int>((next - first_[at]) >> (16 - bits));
    return {bits, code_.symbols[static_cast<std::size_t>(index)]};
  }
  return {};
}

std::vector<HuffmanTable::Entry> HuffmanTable::Entries() const {
  std::vector<Entry> entries;
  entries.reserve(256);
  for (int bits = 1; bits <= 16; ++bits) {
    const auto at = static_cast<std::size_t>(bits);
    for (int i = 0; i < code_.counts[at - 1]; ++i) {
      entries.push_back({bits, (first_[at] >> (16 - bits)) + static_cast<unsigned>(i),
                         code_.symbols[static_cast<std::size_t>(index_[at] + i)]});
    }
  }
  return entries;
}

namespace {

constexpr int kZeroRun = 0xF0;

int SizeOf(int symbol) { return symbol & 15; }

// The entry of one symbol alone; kNothing where it has to be looked at closely.
RunTable::Found Alone(const HuffmanTable::Entry& entry, int max_size) {
  if (entry.symbol == 0) {
    return static_cast<RunTable::Found>(65 << 6 | RunTable::kEndOfBlock | entry.bits);
  }
  if (entry.symbol == kZeroRun) return static_cast<RunTable::Found>(16 << 6 | entry.bits);
  const int size = SizeOf(entry.symbol);
  if (size == 0 || size > max_size) return RunTable::kNothing;
  return static_cast<RunTable::Found>(((entry.symbol >> 4) + 1) << 6 | (entry.bits + size));
}

}  // namespace

RunTable::RunTable(const HuffmanTable& table, int max_size) {
  const std::vector<HuffmanTable::Entry> codes = table.Entries();
  // Narrower windows first, one behind the other, that of m bits from 2^m on: what lies behind a
  // symbol of a window is what a window of the bits left finds.
  std::array<Found, std::size_t{1} << kWindow> narrower;
  for (int window = 0; window <= kWindow; ++window) {
    Found* const found =
        window == kWindow ? entries_.data() : narrower.data() + (std::size_t{1} << window);
    std::fill_n(found, std::size_t{1} << window, kNothing);
    for (const HuffmanTable::Entry& entry : codes) {
      if (entry.bits > window) break;
      const Found alone = Alone(entry, max_size);
      Found* to = found + (std::size_t{entry.code} << (window - entry.bits));
      const int left = alone == kNothing || (alone & kEndOfBlock) != 0 ? 0 : window - BitsOf(alone);
      if (left <= 0) {
        std::fill_n(to, std::size_t{1} << (window - entry.bits), alone);
        continue;
      }
      const Found* const behind = narrower.data() + (std::size_t{1} << left);
      const std::size_t length = std::size_t{1} << left;
      for (int value = 0; value < 1 << SizeOf(entry.symbol); ++value, to += length) {
        for (std::size_t i = 0; i < length; ++i) {
          // Beyond coefficient 63 symbols are looked at one by one.
          const bool fits = AdvanceOf(alone) + (AdvanceOf(behind[i]) & 63) <= 63;
          to[i] = static_cast<Found>(fits && behind[i] != kNothing ? alone + behind[i] : alone);
        }
      }
    }
  }
}

PairTable::PairTable(const HuffmanTable& table, int max_size) {
  const auto passable = [max_size](int symbol) {
    return SizeOf(symbol) != 0 && SizeOf(symbol) <= max_size;
  };
  std::array<std::uint16_t, std::size_t{1} << kWindow> symbols = {};
  const std::vector<HuffmanTable::Entry> codes = table.Entries();
  for (const HuffmanTable::Entry& entry : codes) {
    if (entry.bits > kWindow) break;
    std::fill_n(symbols.begin() + (std::size_t{entry.code} << (kWindow - entry.bits)),
                std::size_t{1} << (kWindow - entry.bits),
                static_cast<std::uint16_t>(entry.bits << 8 | entry.symbol));
  }
  for (std::size_t window = 0; window < entries_.size(); ++window) {
    const int first = symbols[window] & 0xFF;
    const int code = symbols[window] >> 8;
    if (code == 0 || !passable(first)) continue;
    int bits = code + SizeOf(first);
    int last = first >> 4;
    if (bits < kWindow) {
      const std::uint16_t next = symbols[window << bits & (entries_.size() - 1)];
      if (next != 0 && bits + (next >> 8) <= kWindow && passable(next & 0xFF)) {
        last += 1 + ((next & 0xFF) >> 4);
        bits += (next >> 8) + SizeOf(next & 0xFF);
      }
    }
    entries_[window] = static_cast<Found>(last << 16 | (first >> 4) << 8 | bits);
  }
}

}  // namespace millrace
