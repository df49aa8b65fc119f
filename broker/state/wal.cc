#include "broker/state/wal.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <vector>

namespace millrace {
namespace {

// All numbers in a log are big-endian.
//
//   header, 32 bytes: magic, version, page size, checkpoint number, salt 1, salt 2, checksum 1, 2
//   frame, 24 bytes and a page: page number, pages in the database after a commit (else 0),
//                               salt 1, salt 2, checksum 1, 2
//
// A frame is valid where its salts are the header's and its checksum, which covers every frame
// before it, is right. The magic's last bit says in which byte order the checksum is taken.
constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kFrameHeaderBytes = 24;
constexpr std::uint32_t kMagic = 0x377f0682;

std::uint32_t BigEndian(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]};
}

std::uint32_t LittleEndian(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[3]} << 24 | std::uint32_t{bytes[2]} << 16 |
         std::uint32_t{bytes[1]} << 8 | std::uint32_t{bytes[0]};
}

struct Checksum {
  bool big_endian = false;
  std::uint32_t first = 0;
  std::uint32_t second = 0;

  void Add(const std::uint8_t* bytes, std::size_t size) {
    for (std::size_t at = 0; at + 8 <= size; at += 8) {
      first += (big_endian ? BigEndian(bytes + at) : LittleEndian(bytes + at)) + second;
      second += (big_endian ? BigEndian(bytes + at + 4) : LittleEndian(bytes + at + 4)) + first;
    }
  }
  [[nodiscard]] bool Is(const std::uint8_t* stored) const {
    return first == BigEndian(stored) && second == BigEndian(stored + 4);
  }
};

}  // namespace

Result<WalReport> InspectWal(const std::string& path) {
  WalReport report;
  std::ifstream file(path, std::ios::binary);
  if (!file) return report;
  std::array<std::uint8_t, kHeaderBytes> header{};
  file.read(reinterpret_cast<char*>(header.data()), header.size());
  if (file.gcount() == 0) return report;
  const std::uint32_t magic = BigEndian(header.data());
  const std::uint32_t page_bytes = BigEndian(header.data() + 8);
  Checksum sum{.big_endian = (magic & 1) != 0};
  sum.Add(header.data(), 24);
  const bool sound_size =
      page_bytes >= 512 && page_bytes <= 65536 && (page_bytes & (page_bytes - 1)) == 0;
  if (file.gcount() < static_cast<std::streamsize>(kHeaderBytes) || (magic & ~1u) != kMagic ||
      !sound_size || !sum.Is(header.data() + 24)) {
    report.header_damaged = true;
    return report;
  }
  std::vector<std::uint8_t> frame(kFrameHeaderBytes + page_bytes);
  bool valid = true;
  std::int64_t uncommitted = 0;
  while (file.read(reinterpret_cast<char*>(frame.data()),
                   static_cast<std::streamsize>(frame.size()))) {
    const auto has_salt = [&](std::size_t at) {
      return std::equal(frame.begin() + at, frame.begin() + at + 4, header.begin() + at + 8);
    };
    // One that is left over from before the log was last begun anew has neither salt. With one of
    // them the other is damaged.
    if (!has_salt(8) && !has_salt(12)) {
      valid = false;
      continue;
    }
    const bool is_commit = BigEndian(frame.data() + 4) != 0;
    if (valid) {
      sum.Add(frame.data(), 8);
      sum.Add(frame.data() + kFrameHeaderBytes, page_bytes);
      valid = has_salt(8) && has_salt(12) && sum.Is(frame.data() + 16);
    }
    if (!valid) {
      report.page_damaged = true;
      report.tail_pages += 1;
      report.tail_commits += is_commit;
      continue;
    }
    ++uncommitted;
    if (is_commit) {
      report.commits += 1;
      report.pages += uncommitted;
      uncommitted = 0;
    }
  }
  report.tail_pages += uncommitted;
  if (file.bad()) return Fail(ErrorCode::kUnreadable, "cannot read " + path);
  return report;
}

}  // namespace millrace
