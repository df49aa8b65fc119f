// PBM, PGM and PPM, plain and packed, as Pillow's PpmImagePlugin.py reads them.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "common/image/inspect/inspectors.h"

namespace millrace {
namespace {

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

class PnmInspector {
 public:
  PnmInspector(FileBytes file, const InspectOptions& options)
      : text_(reinterpret_cast<const char*>(file.data()), file.size()), options_(options) {}

  std::optional<Finding> Inspect() {
    kind_ = text_[1];
    at_ = 2;
    std::int64_t width = 0;
    std::int64_t height = 0;
    if (!HeaderNumber(&width) || !HeaderNumber(&height)) return Header();
    if (!Bilevel() && (!HeaderNumber(&top_) || top_ == 0 || top_ >= 65536)) return Header();
    if (auto finding = CheckSides(width, height, options_)) return finding;
    if (options_.level == InspectLevel::kOpen) return std::nullopt;
    const std::int64_t bands = kind_ == '3' || kind_ == '6' ? 3 : 1;
    samples_ = width * height * bands;
    auto finding = kind_ <= '3' ? Plain() : Packed(width, height, bands);
    if (finding || options_.level != InspectLevel::kStrict) return finding;
    return Behind();
  }

 private:
  [[nodiscard]] bool Bilevel() const { return kind_ == '1' || kind_ == '4'; }

  // The next word, and one byte of white space behind it; comments are passed over.
  bool HeaderNumber(std::int64_t* number) {
    std::string word;
    while (at_ < text_.size() && word.size() <= 10) {
      const char c = text_[at_++];
      if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
        ++at_;
      } else if (!IsSpace(c)) {
        word += c;
      } else if (!word.empty()) {
        break;
      }
    }
    return Number(word, number);
  }

  static bool Number(std::string_view word, std::int64_t* number) {
    if (word.empty() || word.size() > 10) return false;
    *number = 0;
    for (const char c : word) {
      if (c < '0' || c > '9') return false;
      *number = *number * 10 + (c - '0');
    }
    return true;
  }

  [[nodiscard]] Finding Header() const {
    const bool ended = at_ >= text_.size();
    return {ended ? ErrorCode::kTruncated : ErrorCode::kCorrupt,
            ended ? "the file ends within its header" : "the header's numbers are not sound",
            static_cast<std::int64_t>(std::min(at_, text_.size())), 1.0};
  }

  [[nodiscard]] Finding Short(std::int64_t have, std::int64_t wanted, const char* of) const {
    return {ErrorCode::kTruncated, fmt::format("the file has {} of {} {}", have, wanted, of),
            static_cast<std::int64_t>(text_.size()),
            1 - static_cast<double>(have) / static_cast<double>(wanted)};
  }

  std::optional<Finding> Packed(std::int64_t width, std::int64_t height, std::int64_t bands) {
    const std::int64_t row = Bilevel() ? (width + 7) / 8 : width * bands * (top_ > 255 ? 2 : 1);
    const std::int64_t wanted = row * height;
    const auto have = static_cast<std::int64_t>(text_.size() - std::min(at_, text_.size()));
    if (have < wanted) return Short(have, wanted, "bytes of its pixels");
    at_ += static_cast<std::size_t>(wanted);
    return std::nullopt;
  }

  // Numbers as text; of PBM each digit is one.
  std::optional<Finding> Plain() {
    const std::size_t begin_of_data = at_;
    for (std::int64_t have = 0; have < samples_; ++have) {
      SkipSpace();
      if (at_ >= text_.size()) return Short(have, samples_, "numbers");
      const std::size_t begin = at_++;
      bool sound = text_[begin] == '0' || text_[begin] == '1';
      if (!Bilevel()) {
        while (at_ < text_.size() && !IsSpace(text_[at_]) && text_[at_] != '#') ++at_;
        std::int64_t number = 0;
        sound = Number(text_.substr(begin, at_ - begin), &number) && number <= top_;
      }
      if (!sound) {
        return Finding{ErrorCode::kCorrupt, "a pixel is no number, or one that is too large",
                       static_cast<std::int64_t>(begin),
                       1 - static_cast<double>(have) / static_cast<double>(samples_)};
      }
    }
    return Bilevel() ? RestOfBlock(begin_of_data) : std::nullopt;
  }

  // Pillow looks at all digits of the block of this size that the last pixel is in.
  std::optional<Finding> RestOfBlock(std::size_t begin) {
    constexpr std::size_t kBlock = std::size_t{1} << 20;
    const std::size_t end =
        std::min(text_.size(), begin + (at_ - begin + kBlock - 1) / kBlock * kBlock);
    const std::size_t behind = at_;
    for (SkipSpace(); at_ < end; SkipSpace()) {
      if (text_[at_] != '0' && text_[at_] != '1') {
        return Finding{ErrorCode::kCorrupt, "behind the pixels is what is no digit of a pixel",
                       static_cast<std::int64_t>(at_), std::nullopt};
      }
      ++at_;
    }
    at_ = behind;
    return std::nullopt;
  }

  void SkipSpace() {
    while (at_ < text_.size() && (IsSpace(text_[at_]) || text_[at_] == '#')) {
      if (text_[at_++] != '#') continue;
      while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
    }
  }

  // Several pictures may follow each other.
  std::optional<Finding> Behind() {
    const std::size_t end = at_;
    SkipSpace();
    const auto left = std::as_bytes(std::span(text_.substr(std::min(at_, text_.size()))));
    if (left.empty() ||
        SniffFormat(left.first(std::min(left.size(), kSniffBytes))) == ImageFormat::kPnm) {
      return std::nullopt;
    }
    return Finding{ErrorCode::kTrailingData,
                   fmt::format("{} bytes behind the picture's pixels", text_.size() - end),
                   static_cast<std::int64_t>(end), std::nullopt};
  }

  std::string_view text_;
  const InspectOptions& options_;
  std::size_t at_ = 0;
  char kind_ = '6';
  std::int64_t top_ = 1;
  std::int64_t samples_ = 0;
};

}  // namespace

std::optional<Finding> InspectPnm(FileBytes file, const InspectOptions& options) {
  return PnmInspector(file, options).Inspect();
}

}  // namespace millrace
