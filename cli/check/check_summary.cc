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
  ++failed_;
  ++by_code_[verdict.code];
  if (kind == VerdictKind::kNoVerdict) ++no_verdict_;
  if (kind == VerdictKind::kPixelsLost) ++pixels_lost_;
}

std::string CheckSummary::PixelsLostByCode() const {
  std::map<std::string, std::int64_t> lost = by_code_;
  std::erase_if(lost, [](const auto& code_and_count) {
    return KindOf(code_and_count.first) != VerdictKind::kPixelsLost;
  });
  return CommonestFirst(lost);
}

std::vector<std::string> CheckSummary::Lines(std::int64_t resumed, std::int64_t skipped,
                                             Duration took) const {
  std::string counts = fmt::format("{} checked: {} ok, {} failed", Grouped(ok_ + failed_),
                                   Grouped(ok_), Grouped(failed_));
  if (failed_ > 0) counts += fmt::format(" ({})", CommonestFirst(by_code_));
  if (no_verdict_ > 0) counts += fmt::format(", {} of them no_verdict", Grouped(no_verdict_));
  std::string more = fmt::format("  {:.1f} s", std::chrono::duration<double>(took).count());
  if (resumed > 0) more += fmt::format(", {} resumed: unchanged since before", Grouped(resumed));
  if (skipped > 0) more += fmt::format(", {} skipped: no images", Grouped(skipped));
  return {std::move(counts), std::move(more)};
}

}  // namespace millrace::cli
