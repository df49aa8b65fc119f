#include "common/image/jpeg/tables.h"

#include <algorithm>

namespace millrace {

JpegRefusal JpegTables::ReadHuffman(std::span<const std::uint8_t> segment) {
  while (segment.size() > 16) {
    const int number = segment[0];
    HuffmanCode code;
    std::size_t count = 0;
    for (std::size_t i = 0; i < 16; ++i) count += code.counts[i] = segment[1 + i];
    segment = segment.subspan(17);
    if (count > 256 || count > segment.size()) return "its Huffman table is cut short";
    std::copy_n(segment.begin(), count, code.symbols.begin());
    segment = segment.subspan(count);
    auto& slots = (number & 0x10) != 0 ? ac_ : dc_;
    const int index = (number & 0x10) != 0 ? number - 0x10 : number;
    if (index > 3) return "its Huffman table has a number above 3";
    slots[static_cast<std::size_t>(index)] = {code, nullptr, nullptr, nullptr};
  }
  return segment.empty() ? nullptr : "its Huffman table is cut short";
}

JpegRefusal JpegTables::ReadQuantization(std::span<const std::uint8_t> segment) {
  while (!segment.empty()) {
    const int number = segment[0] & 15;
    const std::size_t size = segment[0] >> 4 == 0 ? 64 : 128;
    if (number > 3) return "its quantization table has a number above 3";
    if (segment.size() < 1 + size) return "its quantization table is cut short";
    std::array<int, 64> values;
    for (std::size_t i = 0; i < 64; ++i) {
      values[i] = size == 64 ? segment[1 + i] : segment[1 + 2 * i] << 8 | segment[2 + 2 * i];
    }
    quantization_[static_cast<std::size_t>(number)] = values[0];
    if (suspicious_ == nullptr && HasStrayEntry(values, size == 64 ? 255 : 32767)) {
      suspicious_ = "a quantization table is a common one but for one entry";
    }
    segment = segment.subspan(1 + size);
  }
  return nullptr;
}

JpegRefusal JpegTables::ReadRestartInterval(std::span<const std::uint8_t> segment) {
  if (segment.size() != 2) return "its restart interval has a wrong length";
  restart_interval_ = segment[0] << 8 | segment[1];
  return nullptr;
}

void JpegTables::DefineStandard() {
  for (std::size_t number = 0; number < 2; ++number) {
    for (int kind = 0; kind < 2; ++kind) {
      Slot& slot = (kind == 0 ? dc_ : ac_)[number];
      if (!slot.code) slot.code = StandardHuffmanCode(kind, static_cast<int>(number));
    }
  }
}

JpegRefusal JpegTables::Make(Slot& slot, HuffmanKind kind, int sample_bits) {
  if (!slot.code) return "a Huffman table of its scan is missing";
  if (slot.table != nullptr) return nullptr;
  auto table = HuffmanTable::Make(*slot.code);
  if (!table) return "a Huffman table of its scan has too many codes";
  slot.table = std::make_unique<HuffmanTable>(*std::move(table));
  if (suspicious_ == nullptr) suspicious_ = SignOfDamage(*slot.table, kind, sample_bits);
  return nullptr;
}

JpegRefusal JpegTables::MakeDc(int number, int sample_bits, EntropyTables& tables) {
  if (number > 3) return "a Huffman table of its scan is missing";
  Slot& slot = dc_[static_cast<std::size_t>(number)];
  if (const JpegRefusal wrong = Make(slot, HuffmanKind::kDc, sample_bits)) return wrong;
  for (const HuffmanTable::Entry& entry : slot.table->Entries()) {
    if (entry.symbol > 15) return "a Huffman table of its scan is not one of DC coefficients";
  }
  tables.dc = slot.table.get();
  return nullptr;
}

JpegRefusal JpegTables::MakeAc(int number, AcKind kind, int sample_bits, EntropyTables& tables) {
  if (number > 3) return "a Huffman table of its scan is missing";
  Slot& slot = ac_[static_cast<std::size_t>(number)];
  if (const JpegRefusal wrong = Make(
          slot,
          kind == AcKind::kSequential ? HuffmanKind::kSequentialAc : HuffmanKind::kProgressiveAc,
          sample_bits))
    return wrong;
  tables.ac = slot.table.get();
  if (kind == AcKind::kSequential) {
    if (slot.runs == nullptr) {
      slot.runs = std::make_unique<RunTable>(*slot.table, MaxAcSize(sample_bits));
    }
    tables.runs = slot.runs.get();
  } else if (kind == AcKind::kFirst) {
    if (slot.pairs == nullptr) {
      slot.pairs = std::make_unique<PairTable>(*slot.table, MaxAcSize(sample_bits));
    }
    tables.pairs = slot.pairs.get();
  }
  return nullptr;
}

}  // namespace millrace
