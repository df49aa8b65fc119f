// The header and the numbers of PBM, PGM and PPM files, as Pillow's PpmImagePlugin.py reads them:
// for the decoder and the inspector, which must find the same sides.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace {

struct PnmHeader {
  char kind = '6';         // '1' to '6', the digit of the file's first two bytes
  std::int64_t width = 0;  // pixels; not checked against any cap
  std::int64_t height = 0;
  std::int64_t top = 1;     // the largest sample, 1 to 65535; 1 for PBM
  std::size_t data_at = 0;  // where the pixels begin

  [[nodiscard]] bool bilevel() const { return kind == '1' || kind == '4'; }
  [[nodiscard]] bool plain() const { return kind <= '3'; }  // numbers as text
  [[nodiscard]] int bands() const { return kind == '3' || kind == '6' ? 3 : 1; }
  // Bytes of a packed row.
  [[nodiscard]] std::int64_t row_bytes() const {
    return bilevel() ? (width + 7) / 8 : width * bands() * (top > 255 ? 2 : 1);
  }
};

struct PnmHeaderFault {
  bool ended = false;  // the file ends within its header; else its numbers are not sound
  std::size_t at = 0;  // bytes into the file
};

// ' ', and '\t' to '\r'.
bool IsPnmSpace(char c);

// The number that `word` is, in 1 to 10 digits.
std::optional<std::int64_t> PnmNumber(std::string_view word);

// The header of `file`, which begins with 'P' and a digit from 1 to 6. A side may be 0. Returns
// nothing where the header cannot be read, and says in `fault` why.
std::optional<PnmHeader> ReadPnmHeader(std::string_view file, PnmHeaderFault& fault);

// The samples of a plain file. A comment goes with the end of its line, so that what stands on both
// sides of it is one word, as Pillow has it.
class PnmWords {
 public:
  PnmWords(std::string_view file, std::size_t at) : file_(file), at_(at) {}

  // Bytes into the file: where the last word or digit began, and where the next one is looked for.
  [[nodiscard]] std::size_t begin() const { return begin_; }
  [[nodiscard]] std::size_t at() const { return std::min(at_, file_.size()); }

  // The next word, up to a length that is none of a number; valid until the next call. Empty at the
  // file's end.
  std::string_view Next();
  // The next character that is neither white space nor of a comment; 0 at the file's end.
  char NextDigit();

 private:
  void SkipComment();  // to the last character of its line

  std::string_view file_;
  std::size_t at_;
  std::size_t begin_ = 0;
  std::string word_;
};

}  // namespace millrace
