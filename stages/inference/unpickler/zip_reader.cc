#include "stages/inference/unpickler/zip_reader.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "stages/inference/unpickler/byte_reader.h"

namespace millrace {
namespace {

// PKWARE's APPNOTE.TXT 6.3.3, sections 4.3.7 to 4.3.16.
constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kDirectoryEntry = 0x02014b50;
constexpr std::uint32_t kEnd = 0x06054b50;
constexpr std::uint32_t kZip64End = 0x06064b50;
constexpr std::uint32_t kZip64Locator = 0x07064b50;
constexpr std::size_t kEndSize = 22;
constexpr std::size_t kLocatorSize = 20;
constexpr std::size_t kLocalHeaderSize = 30;
constexpr std::size_t kMaxComment = 65535;
constexpr std::uint32_t kIn64 = 0xffffffff;  // "the true value is in the zip64 field"
constexpr std::uint16_t kZip64Extra = 1;
// A state dict of a million tensors is not one; the directory's memory is bounded by this.
constexpr std::size_t kMaxEntries = 1'000'000;

struct Directory {
  std::uint64_t offset;
  std::uint64_t size;
};

tl::unexpected<Error> Damaged(const std::string& what) {
  return Fail(ErrorCode::kCorrupt, "damaged zip structure: " + what);
}

template <typename T>
T At(std::span<const std::byte> bytes, std::size_t offset) {
  return *ByteReader(bytes.subspan(offset, sizeof(T))).Number<T>();
}

Result<Directory> FindDirectory(std::span<const std::byte> file) {
  if (file.size() < kEndSize) return Fail(ErrorCode::kTruncated, "shorter than a zip file can be");
  const std::size_t lowest = file.size() - kEndSize - std::min(file.size() - kEndSize, kMaxComment);
  for (std::size_t at = file.size() - kEndSize + 1; at-- > lowest;) {
    if (At<std::uint32_t>(file, at) != kEnd) continue;
    Directory directory{At<std::uint32_t>(file, at + 16), At<std::uint32_t>(file, at + 12)};
    if (at >= kLocatorSize && At<std::uint32_t>(file, at - kLocatorSize) == kZip64Locator) {
      const auto end64 = At<std::uint64_t>(file, at - kLocatorSize + 8);
      constexpr std::size_t kZip64EndSize = 56;
      if (end64 > file.size() || file.size() - end64 < kZip64EndSize ||
          At<std::uint32_t>(file, end64) != kZip64End) {
        return Damaged("the zip64 end record is not where the locator says");
      }
      directory = {At<std::uint64_t>(file, end64 + 48), At<std::uint64_t>(file, end64 + 40)};
    }
    if (directory.offset > at || directory.size > at - directory.offset) {
      return Damaged("the directory lies outside the file");
    }
    return directory;
  }
  return Fail(ErrorCode::kTruncated,
              "it begins like a zip file, but has no end record: cut short, or an unfinished "
              "download");
}

// Replaces size and offset by their zip64 values where the short fields say so.
bool ReadZip64(ByteReader extra, std::uint64_t& full, std::uint64_t& stored,
               std::uint64_t& offset) {
  if (full != kIn64 && stored != kIn64 && offset != kIn64) return true;
  while (extra.remaining() > 0) {
    const auto id = extra.Number<std::uint16_t>();
    const auto size = extra.Number<std::uint16_t>();
    if (!id || !size) return false;
    const auto field = extra.Bytes(*size);
    if (!field) return false;
    if (*id != kZip64Extra) continue;
    ByteReader values(*field);
    for (std::uint64_t* value : {&full, &stored, &offset}) {
      if (*value != kIn64) continue;
      const auto wide = values.Number<std::uint64_t>();
      if (!wide) return false;
      *value = *wide;
    }
    return true;
  }
  return false;
}

std::optional<std::span<const std::byte>> EntryData(std::span<const std::byte> file,
                                                    std::uint64_t offset, std::uint64_t size) {
  if (offset > file.size() || file.size() - offset < kLocalHeaderSize) return std::nullopt;
  if (At<std::uint32_t>(file, offset) != kLocalHeader) return std::nullopt;
  const std::uint64_t skip = kLocalHeaderSize + At<std::uint16_t>(file, offset + 26) +
                             std::uint64_t{At<std::uint16_t>(file, offset + 28)};
  if (file.size() - offset < skip || file.size() - offset - skip < size) return std::nullopt;
  return file.subspan(offset + skip, size);
}

}  // namespace

bool ZipReader::LooksLikeZip(std::span<const std::byte> file) {
  return file.size() >= 4 && At<std::uint32_t>(file, 0) == kLocalHeader;
}

Result<ZipReader> ZipReader::Open(std::span<const std::byte> file) {
  ASSIGN_OR_RETURN(const Directory place, FindDirectory(file));
  ByteReader directory(file.subspan(place.offset, place.size));
  ZipReader zip;
  while (directory.remaining() > 0) {
    constexpr std::size_t kEntrySize = 46;
    const auto fixed = directory.Bytes(kEntrySize);
    if (!fixed || At<std::uint32_t>(*fixed, 0) != kDirectoryEntry) {
      return Damaged("a directory entry is cut or overwritten");
    }
    const auto flags = At<std::uint16_t>(*fixed, 8);
    const auto method = At<std::uint16_t>(*fixed, 10);
    std::uint64_t stored = At<std::uint32_t>(*fixed, 20);
    std::uint64_t full = At<std::uint32_t>(*fixed, 24);
    std::uint64_t offset = At<std::uint32_t>(*fixed, 42);
    const auto name = directory.Text(At<std::uint16_t>(*fixed, 28));
    const auto extra = directory.Bytes(At<std::uint16_t>(*fixed, 30));
    const auto comment = directory.Bytes(At<std::uint16_t>(*fixed, 32));
    if (!name || !extra || !comment) return Damaged("a directory entry is cut");
    if ((flags & 1) != 0) return Fail(ErrorCode::kUnsupportedFormat, "an encrypted zip file");
    if (!ReadZip64(ByteReader(*extra), full, stored, offset) || (method == 0 && full != stored)) {
      return Damaged("an entry's sizes contradict each other");
    }
    const auto data = EntryData(file, offset, stored);
    if (!data) return Damaged("an entry's data lies outside the file");
    if (!zip.entries_.emplace(*name, Entry{*data, method != 0}).second)
      return Damaged("two entries share a name");
    if (zip.entries_.size() > kMaxEntries) {
      return Fail(ErrorCode::kTooLarge, "a zip file of more than a million entries");
    }
  }
  return zip;
}

const std::span<const std::byte>* ZipReader::Find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() || found->second.compressed ? nullptr : &found->second.data;
}

}  // namespace millrace
