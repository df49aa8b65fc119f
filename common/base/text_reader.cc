#include "common/base/text_reader.h"

#include <sys/types.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace millrace {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kUtf8Mark = "\xef\xbb\xbf"sv;
constexpr std::string_view kUtf16LeMark = "\xff\xfe"sv;
constexpr std::string_view kUtf16BeMark = "\xfe\xff"sv;
constexpr std::string_view kUtf32LeMark = "\xff\xfe\0\0"sv;
constexpr std::string_view kUtf32BeMark = "\0\0\xfe\xff"sv;

bool IsHighSurrogate(int unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool IsLowSurrogate(int unit) { return unit >= 0xdc00 && unit < 0xe000; }

std::string Utf8(std::uint32_t point) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  const auto more = [&](int shift) { return byte(0x80 | ((point >> shift) & 0x3f)); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xc0 | (point >> 6)), more(0)};
  if (point < 0x10000) return {byte(0xe0 | (point >> 12)), more(6), more(0)};
  return {byte(0xf0 | (point >> 18)), more(12), more(6), more(0)};
}

}  // namespace

std::string_view TextMarkName(std::string_view head) {
  if (head.starts_with(kUtf32LeMark) || head.starts_with(kUtf32BeMark)) return "UTF-32";
  if (head.starts_with(kUtf16LeMark) || head.starts_with(kUtf16BeMark)) return "UTF-16";
  return head.starts_with(kUtf8Mark) ? "UTF-8" : "";
}

Result<TextReader> TextReader::Open(const std::string& path, std::string what,
                                    std::uint64_t offset) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                       &std::fclose);
  if (file == nullptr) return Fail(TextReader(std::move(what)).Cannot(errno));
  return Of(std::move(file), std::move(what), offset);
}

Result<TextReader> TextReader::Of(std::unique_ptr<std::FILE, int (*)(std::FILE*)> file,
                                  std::string what, std::uint64_t offset) {
  TextReader reader(std::move(what));
  reader.file_ = std::move(file);
  std::rewind(reader.file_.get());
  std::array<char, 4> bytes{};
  const std::string_view head(bytes.data(),
                              std::fread(bytes.data(), 1, bytes.size(), reader.file_.get()));
  if (std::ferror(reader.file_.get()) != 0) return Fail(reader.Cannot(errno));
  std::uint64_t start = 0;
  if (const std::string_view mark = TextMarkName(head); mark == "UTF-32") {
    return Fail(ErrorCode::kUsage, reader.what_ + " is UTF-32 text: write it as UTF-8");
  } else if (mark == "UTF-16") {
    reader.encoding_ = head.starts_with(kUtf16LeMark) ? Encoding::kUtf16Le : Encoding::kUtf16Be;
    start = kUtf16LeMark.size();
  } else if (mark == "UTF-8") {
    start = kUtf8Mark.size();
  }
  reader.offset_ = std::max(start, offset);
  if (fseeko(reader.file_.get(), static_cast<off_t>(reader.offset_), SEEK_SET) != 0) {
    return Fail(reader.Cannot(errno));
  }
  return reader;
}

Result<int> TextReader::Get() {
  if (encoding_ != Encoding::kBytes) return GetOfUtf16();
  const int byte = std::getc(file_.get());
  if (byte != EOF) {
    ++offset_;
    return byte;
  }
  if (std::ferror(file_.get()) != 0) return Fail(Cannot(errno));
  return kEnd;
}

Result<int> TextReader::GetOfUtf16() {
  if (given_ == pending_.size()) {
    ASSIGN_OR_RETURN(const int unit, Unit());
    if (unit == kEnd) return kEnd;
    auto point = static_cast<std::uint32_t>(unit);
    if (IsHighSurrogate(unit)) {
      ASSIGN_OR_RETURN(const int low, Unit());
      if (low == kEnd || !IsLowSurrogate(low)) return Fail(Malformed());
      point = 0x10000 + ((point - 0xd800) << 10) + (static_cast<std::uint32_t>(low) - 0xdc00);
    } else if (IsLowSurrogate(unit)) {
      return Fail(Malformed());
    }
    pending_ = Utf8(point);
    given_ = 0;
  }
  return static_cast<unsigned char>(pending_[given_++]);
}

Result<int> TextReader::Unit() {
  const int first = std::getc(file_.get());
  const int second = first == EOF ? EOF : std::getc(file_.get());
  if (std::ferror(file_.get()) != 0) return Fail(Cannot(errno));
  if (first == EOF) return kEnd;
  if (second == EOF) return Fail(Malformed());
  offset_ += 2;
  return encoding_ == Encoding::kUtf16Le ? first | second << 8 : first << 8 | second;
}

Error TextReader::Cannot(int error_number) const {
  return {ErrorCode::kUnreadable, "cannot read " + what_ + ": " + ErrnoText(error_number)};
}

Error TextReader::Malformed() const {
  return {ErrorCode::kUsage, what_ + " begins like UTF-16 text and is malformed at byte " +
                                 std::to_string(offset_) +
                                 ": write it as UTF-8, and a first name that really begins with "
                                 "these bytes as ./NAME"};
}

Result<bool> ReadLine(TextReader& reader, std::string& line) {
  line.clear();
  for (bool any = false;; any = true) {
    ASSIGN_OR_RETURN(const int byte, reader.Get());
    if (byte == TextReader::kEnd || byte == '\n') {
      if (line.ends_with('\r')) line.pop_back();
      return any || byte == '\n';
    }
    line += static_cast<char>(byte);
  }
}

}  // namespace millrace
