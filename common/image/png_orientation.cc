#include "common/image/png_orientation.h"

#include <zlib.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/image/byte_order.h"
#include "common/image/exif.h"

namespace millrace {
namespace {

// Pillow's MAX_TEXT_CHUNK.
constexpr std::size_t kMaxTextBytes = std::size_t{1} << 20;

struct Text {
  std::string_view data;
  bool packed = false;
};

struct Found {
  std::optional<FileBytes> exif;
  Text raw_exif;
  Text xmp;
};

// What is before the first zero byte, which is taken away too; nothing where there is none.
std::optional<std::string_view> TakeWord(std::string_view& rest) {
  const std::size_t end = rest.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return word;
}

void NoteText(std::string_view type, std::string_view data, Found& found) {
  const auto keyword = TakeWord(data);
  const bool exif = keyword == "Raw profile type exif";
  if (!exif && keyword != "XML:com.adobe.xmp") return;
  Text text{data, false};
  if (type == "zTXt") {
    if (data.empty() || data[0] != 0) return;  // the method: deflate
    text = {data.substr(1), true};
  } else if (type == "iTXt") {
    if (data.size() < 2) return;
    text.packed = data[0] != 0;
    if (text.packed && data[1] != 0) return;
    data.remove_prefix(2);
    if (!TakeWord(data) || !TakeWord(data)) return;  // the language, the keyword in it
    text.data = data;
  }
  (exif ? found.raw_exif : found.xmp) = text;
}

Found Walk(FileBytes file) {
  constexpr std::size_t kSignatureBytes = 8;
  constexpr std::size_t kHeadBytes = 8;  // length, type
  constexpr std::size_t kChecksumBytes = 4;
  Found found;
  for (std::size_t at = kSignatureBytes; at <= file.size() && file.size() - at >= kHeadBytes;) {
    const std::size_t length = Big32(file, at);
    const std::string_view type(reinterpret_cast<const char*>(file.data()) + at + 4, 4);
    if (type == "IEND" || length > file.size() - at - kHeadBytes) break;
    const FileBytes data = file.subspan(at + kHeadBytes, length);
    if (type == "eXIf") {
      found.exif = data;
    } else if (type == "tEXt" || type == "zTXt" || type == "iTXt") {
      NoteText(type, {reinterpret_cast<const char*>(data.data()), data.size()}, found);
    }
    at += kHeadBytes + length + kChecksumBytes;
  }
  return found;
}

// Empty where it does not inflate or is too long.
std::string Inflated(std::string_view packed) {
  z_stream stream = {};
  if (inflateInit(&stream) != Z_OK) return {};
  // zlib does not write to what it reads.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string text;
  std::array<char, 4096> piece;
  int status = Z_OK;
  while (status == Z_OK && text.size() <= kMaxTextBytes) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = piece.size();
    status = inflate(&stream, Z_NO_FLUSH);
    text.append(piece.data(), piece.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  const bool bad = status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR;
  return bad || text.size() > kMaxTextBytes ? std::string() : text;
}

std::string Unpacked(const Text& text) {
  return text.packed ? Inflated(text.data) : std::string(text.data.substr(0, kMaxTextBytes));
}

// A line end, the profile's name, its length, and on further lines its bytes, in two digits each.
std::vector<std::byte> RawProfile(std::string_view text) {
  for (int line = 0; line < 3; ++line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  std::vector<std::byte> bytes;
  std::optional<int> high;
  for (const char c : text) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) continue;
    const int lower = c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c;
    const bool digit = lower >= '0' && lower <= '9';
    if (!digit && (lower < 'a' || lower > 'f')) return {};
    const int value = digit ? lower - '0' : lower - 'a' + 10;
    if (high) {
      bytes.push_back(static_cast<std::byte>(*high << 4 | value));
      high.reset();
    } else {
      high = value;
    }
  }
  return bytes;
}

}  // namespace

int PngOrientation(FileBytes file) {
  const Found found = Walk(file);
  const std::vector<std::byte> raw =
      found.exif ? std::vector<std::byte>() : RawProfile(Unpacked(found.raw_exif));
  const std::string xmp = Unpacked(found.xmp);
  return FindOrientation(found.exif.value_or(FileBytes(raw)),
                         std::as_bytes(std::span(xmp.data(), xmp.size())));
}

}  // namespace millrace
