#include "cli/failure_limit.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace millrace::cli {
namespace {

// The whole of `text` as a number; false where anything is left over.
template <typename Number>
bool ParseWhole(std::string_view text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

// "20", "5%".
std::optional<FailureLimit> ParseCountOrShare(std::string_view text) {
  if (text.ends_with('%')) {
    double percent = 0;
    if (ParseWhole(text.substr(0, text.size() - 1), percent) && percent > 0 && percent <= 100) {
      return FailureLimit{.share = percent / 100};
    }
  } else {
    std::int64_t count = 0;
    if (ParseWhole(text, count) && count > 0) return FailureLimit{.count = count};
  }
  return std::nullopt;
}

}  // namespace

bool FailureLimit::ReachedBy(std::int64_t failed, std::int64_t processed) const {
  if (count > 0 && failed >= count) return true;
  return share > 0 && failed > 0 &&
         static_cast<double>(failed) >= share * static_cast<double>(processed);
}

Result<FailureLimit> ParseFailureLimit(std::string_view text) {
  if (text == "any") return FailureLimit{.count = 1};
  if (text == "never") return FailureLimit{};
  if (const auto limit = ParseCountOrShare(text)) return *limit;
  return Fail(
      ErrorCode::kUsage,
      fmt::format("'{}' is no limit on failures: write any, a count such as 20, a share such "
                  "as 5%, or never",
                  text));
}

Result<FailureLimit> ParseStopLimit(std::string_view text) {
  if (const auto limit = ParseCountOrShare(text)) return *limit;
  const std::string_view cure = text == "any" ? "1 stops at the first failure"
                                : text == "never"
                                    ? "leave the option out to go on whatever fails"
                                    : "write a count such as 20, or a share such as 5%";
  return Fail(ErrorCode::kUsage, fmt::format("'{}' is no number of failures: {}", text, cure));
}

}  // namespace millrace::cli
