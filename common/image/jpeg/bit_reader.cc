#include "common/image/jpeg/bit_reader.h"

#include <algorithm>

namespace millrace {

bool BitReader::NextByte(EntropyData& data, const std::uint8_t*& at, std::uint8_t& byte) {
  if (at == data.end) return false;
  const std::uint8_t* next = at + 1;
  byte = *at;
  if (byte == 0xFF) {
    while (next != data.end && *next == 0xFF) ++next;
    if (next == data.end || *next != 0) return false;
    data.odd_filler = data.odd_filler || next != at + 1;
    ++next;
  }
  at = next;
  return true;
}

[[gnu::noinline]] BitReader::Refilled BitReader::RefilledByBytes(Refilled from, int count,
                                                                 EntropyData* data) {
  for (std::uint8_t byte = 0; count < kRefilled; count += 8) {
    if (!NextByte(*data, from.at, byte)) {
      data->made_up += (count | kRefilled) - count;
      break;
    }
    from.bits |= std::uint64_t{byte} << (56 - count);
  }
  return from;
}

BitReader::Rest BitReader::ReadRest() const {
  BitReader reader = *this;
  Rest rest;
  int left = std::max(count_ - data_->made_up, 0);
  const int padding = left % 8;
  if (padding > 0) {
    const std::uint64_t bits = reader.Peek(padding);
    rest.padding = bits == 0 || bits == (std::uint64_t{1} << padding) - 1;
    reader.Skip(padding);
    left -= padding;
  }
  bool zeros = true;
  bool ones = true;
  const auto note = [&](std::uint8_t byte) {
    zeros = zeros && byte == 0;
    ones = ones && byte == 0xFF;
    ++rest.whole_bytes;
  };
  for (; left > 0; left -= 8) {
    note(static_cast<std::uint8_t>(reader.Peek(8)));
    reader.Skip(8);
  }
  for (std::uint8_t byte = 0; NextByte(*data_, reader.at_, byte);) note(byte);
  rest.filler = zeros || ones;
  rest.marker = reader.at_;
  return rest;
}

const std::uint8_t* BitReader::Position() const {
  // Back over the bytes in hand, of which FF 00 is one.
  const std::uint8_t* at = at_;
  for (int left = std::max(count_ - data_->made_up, 0); left > 0; left -= 8) {
    at -= at - data_->begin >= 2 && at[-1] == 0 && at[-2] == 0xFF ? 2 : 1;
  }
  return at;
}

}  // namespace millrace
