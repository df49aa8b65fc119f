// How libFuzzer changes a picture: as it would anything, but libpng reads no header whose checksum
// is wrong, as that of a changed one is, so that most PNG get theirs put right.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace millrace {
namespace {

std::uint32_t Big32(std::span<const std::uint8_t> bytes) {
  return std::uint32_t{bytes[0]} << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

// The CRC of ISO 3309, as PNG's specification has it.
std::uint32_t Checksum(std::span<const std::uint8_t> bytes) {
  std::uint32_t sum = ~std::uint32_t{0};
  for (const std::uint8_t byte : bytes) {
    sum ^= byte;
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (sum & 1) * 0xEDB88320U;
  }
  return ~sum;
}

// Puts right the checksum of each chunk of a PNG.
void MendChecksums(std::span<std::uint8_t> file) {
  constexpr std::string_view kSignature = "\x89PNG\r\n\x1a\n";
  constexpr std::size_t kAround = 12;  // length, type and checksum of a chunk
  if (file.size() < kSignature.size() ||
      std::memcmp(file.data(), kSignature.data(), kSignature.size()) != 0) {
    return;
  }
  for (auto rest = file.subspan(kSignature.size()); rest.size() >= kAround;) {
    const std::size_t length = Big32(rest);
    if (length > rest.size() - kAround) return;
    const std::uint32_t sum = Checksum(rest.subspan(4, 4 + length));
    for (std::size_t i = 0; i < 4; ++i) {
      rest[8 + length + i] = static_cast<std::uint8_t>(sum >> (24 - 8 * i));
    }
    rest = rest.subspan(kAround + length);
  }
}

}  // namespace
}  // namespace millrace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  const std::size_t mutated = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 4 != 0) millrace::MendChecksums({data, mutated});
  return mutated;
}
