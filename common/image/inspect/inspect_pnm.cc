// PBM, PGM and PPM, plain and packed, as Pillow's PpmImagePlugin.py reads them.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "common/image/inspect/inspectors.h"
#include "common/image/pnm_file.h"

namespace millrace {
namespace {

class PnmInspector {
 public:
  PnmInspector(FileBytes file, const InspectOptions& options)
      : text_(reinterpret_cast<const char*>(file.data()), file.size()), options_(options) {}

  std::optional<Finding> Inspect() {
    PnmHeaderFault fault;
    const auto header = ReadPnmHeader(text_, fault);
    if (!header) return Header(fault);
    header_ = *header;
    at_ = header_.data_at;
    if (auto finding = CheckSides(header_.width, header_.height, options_)) return finding;
    if (options_.level == InspectLevel::kOpen) return std::nullopt;
    samples_ = header_.width * header_.height * header_.bands();
    auto finding = header_.plain() ? Plain() : Packed();
    if (finding || options_.level != InspectLevel::kStrict) return finding;
    return Behind();
  }

 private:
  [[nodiscard]] static Finding Header(const PnmHeaderFault& fault) {
    // Three numbers and no more: a text may begin so.
    return {fault.ended ? ErrorCode::kTruncated : ErrorCode::kUnsupportedFormat,
            fault.ended ? "the file ends within its header" : "the header's numbers are not sound",
            static_cast<std::int64_t>(fault.at), fault.ended ? std::optional(1.0) : std::nullopt};
  }

  [[nodiscard]] Finding Short(std::int64_t have, std::int64_t wanted, const char* of) const {
    return {ErrorCode::kTruncated, fmt::format("the file has {} of {} {}", have, wanted, of),
            static_cast<std::int64_t>(text_.size()),
            1 - static_cast<double>(have) / static_cast<double>(wanted)};
  }

  std::optional<Finding> Packed() {
    const std::int64_t wanted = header_.row_bytes() * header_.height;
    const auto have = static_cast<std::int64_t>(text_.size() - std::min(at_, text_.size()));
    if (have < wanted) return Short(have, wanted, "bytes of its pixels");
    at_ += static_cast<std::size_t>(wanted);
    return std::nullopt;
  }

  // Numbers as text; of PBM each digit is one.
  std::optional<Finding> Plain() {
    PnmWords words(text_, at_);
    for (std::int64_t have = 0; have < samples_; ++have) {
      bool sound = false;
      if (header_.bilevel()) {
        const char digit = words.NextDigit();
        if (digit == 0) return Short(have, samples_, "numbers");
        sound = digit == '0' || digit == '1';
      } else {
        const std::string_view word = words.Next();
        if (word.empty()) return Short(have, samples_, "numbers");
        const auto number = PnmNumber(word);
        sound = number && *number <= header_.top;
      }
      if (!sound) {
        return Finding{ErrorCode::kCorrupt, "a pixel is no number, or one that is too large",
                       static_cast<std::int64_t>(words.begin()),
                       1 - static_cast<double>(have) / static_cast<double>(samples_)};
      }
    }
    const std::size_t begin_of_data = at_;
    at_ = words.at();
    return header_.bilevel() ? RestOfBlock(begin_of_data) : std::nullopt;
  }

  // Pillow looks at all digits of the block of this size that the last pixel is in, and refuses the
  // file if one is none.
  std::optional<Finding> RestOfBlock(std::size_t begin) const {
    constexpr std::size_t kBlock = std::size_t{1} << 20;
    const std::size_t end =
        std::min(text_.size(), begin + (at_ - begin + kBlock - 1) / kBlock * kBlock);
    PnmWords words(text_, at_);
    for (char digit = words.NextDigit(); digit != 0 && words.begin() < end;
         digit = words.NextDigit()) {
      if (digit != '0' && digit != '1') {
        return Finding{ErrorCode::kSuspicious, "behind the pixels is what is no digit of a pixel",
                       static_cast<std::int64_t>(words.begin()), std::nullopt};
      }
    }
    return std::nullopt;
  }

  // Several pictures may follow each other.
  std::optional<Finding> Behind() {
    const std::size_t end = at_;
    PnmWords words(text_, at_);
    const std::size_t next = words.NextDigit() == 0 ? text_.size() : words.begin();
    const auto left = std::as_bytes(std::span(text_.substr(next)));
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
  PnmHeader header_;
  std::size_t at_ = 0;
  std::int64_t samples_ = 0;
};

}  // namespace

std::optional<Finding> InspectPnm(FileBytes file, const InspectOptions& options) {
  return PnmInspector(file, options).Inspect();
}

}  // namespace millrace
