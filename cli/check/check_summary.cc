#include "cli/check/check_summary.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/progress.h"

namespace millrace::cli {
namespace {

std::string CommonestFirst(const std::map<std::string, std::int64_t>& by_code) {
  std::vector<std::pair<std::int64_t, std::string>> sorted;
  for (const auto& [code, count] : by_code) sorted.emplace_back(-count, code);
  std::sort(sorted.begin(), sorted.end());
  std::string text;
  for (const auto& [count, code] : sorted) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", Grouped(-count), code);
  }
  return text;
}

}  // namespace

void CheckSummary::Add(const FileVerdict& verdict) {
  const VerdictKind kind = KindOf(verdict.code);
  if (kind == VerdictKind::kOk) {
    ++ok_;
    return;
  }
  if (CountsAsBroken(verdict.code, strict_)) {
    ++failed_;
    ++by_code_[verdict.code];
  } else {
    ++noted_;
    ++noted_by_code_[verdict.code];
  }
  if (kind == VerdictKind::kNoVerdict || kind == VerdictKind::kNotRead) ++no_verdict_;
}

std::int64_t CheckSummary::actable(const ActRule& rule) const {
  std::int64_t count = 0;
  for (const auto& [code, files] : by_code_) count += rule.Allows(code) ? files : 0;
  return count;
}

std::string CheckSummary::ActableByCode(const ActRule& rule) const {
  std::map<std::string, std::int64_t> allowed = by_code_;
  std::erase_if(allowed,
                [&](const auto& code_and_count) { return !rule.Allows(code_and_count.first); });
  return CommonestFirst(allowed);
}

std::vector<std::string> CheckSummary::Lines(std::int64_t resumed, std::int64_t skipped,
                                             Duration took) const {
  std::string counts = fmt::format("{} checked: {} ok, {} failed", Grouped(ok_ + failed_ + noted_),
                                   Grouped(ok_), Grouped(failed_));
  if (failed_ > 0) counts += fmt::format(" ({})", CommonestFirst(by_code_));
  if (noted_ > 0) counts += ", " + CommonestFirst(noted_by_code_);
  if (no_verdict_ > 0) counts += fmt::format(", {} of them no_verdict", Grouped(no_verdict_));
  std::string more = fmt::format("  {:.1f} s", std::chrono::duration<double>(took).count());
  if (resumed > 0) more += fmt::format(", {} resumed: unchanged since before", Grouped(resumed));
  if (skipped > 0) more += fmt::format(", {} skipped: no images", Grouped(skipped));
  return {std::move(counts), std::move(more)};
}

}  // namespace millrace::cli
