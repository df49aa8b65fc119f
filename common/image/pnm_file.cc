#include "common/image/pnm_file.h"

#include <algorithm>

namespace millrace {
namespace {

constexpr std::size_t kMaxDigits = 10;  // Pillow's limit for a word of the header and of the data

// The next word and the one byte of white space behind it. Comments are passed over, even one
// within a word. Of a word that is too long for a number, one character more than fits.
std::string NextWord(std::string_view file, std::size_t& at) {
  std::string word;
  while (at < file.size()) {
    const char c = file[at++];
    if (c == '#') {
      while (at < file.size() && file[at] != '\n' && file[at] != '\r') ++at;
      at = std::min(at + 1, file.size());
    } else if (!IsPnmSpace(c)) {
      if (word.size() <= kMaxDigits) word += c;
    } else if (!word.empty()) {
      break;
    }
  }
  return word;
}

}  // namespace

bool IsPnmSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::optional<std::int64_t> PnmNumber(std::string_view word) {
  if (word.empty() || word.size() > kMaxDigits) return std::nullopt;
  std::int64_t number = 0;
  for (const char c : word) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

std::optional<PnmHeader> ReadPnmHeader(std::string_view file, PnmHeaderFault& fault) {
  PnmHeader header;
  header.kind = file[1];
  std::size_t at = 2;
  const auto read = [&](std::int64_t& number) {
    const std::string word = NextWord(file, at);
    // Of more digits than Pillow takes: over any cap, rather than no number.
    const bool large = word.size() > kMaxDigits;
    const auto value = PnmNumber(large ? std::string_view(word).substr(1) : word);
    if (value) number = large ? std::int64_t{1} << 40 : *value;
    return value.has_value();
  };
  if (!read(header.width) || !read(header.height) ||
      (!header.bilevel() && (!read(header.top) || header.top < 1 || header.top > 65535))) {
    fault = {at >= file.size(), at};
    return std::nullopt;
  }
  header.data_at = at;
  return header;
}

std::string_view PnmWords::Next() {
  word_.clear();
  for (; at_ < file_.size() && word_.size() <= kMaxDigits; ++at_) {
    const char c = file_[at_];
    if (c == '#') {
      SkipComment();
    } else if (!IsPnmSpace(c)) {
      if (word_.empty()) begin_ = at_;
      word_ += c;
    } else if (!word_.empty()) {
      break;
    }
  }
  return word_;
}

char PnmWords::NextDigit() {
  for (; at_ < file_.size(); ++at_) {
    if (file_[at_] == '#') {
      SkipComment();
    } else if (!IsPnmSpace(file_[at_])) {
      begin_ = at_;
      return file_[at_++];
    }
  }
  return 0;
}

void PnmWords::SkipComment() {
  while (at_ < file_.size() && file_[at_] != '\n' && file_[at_] != '\r') ++at_;
}

}  // namespace millrace
