#include "cli/failure_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "cli/progress.h"
#include "cli/terminal.h"
#include "common/base/json_text.h"

namespace millrace::cli {
namespace {

constexpr int kGap = 2;            // columns between two cells
constexpr int kNarrowest = 8;      // of a path or a reason, however narrow the terminal is
constexpr int kWidestInFile = 48;  // of a path's padding where there is no terminal

struct Character {
  std::size_t bytes = 1;
  int columns = 1;
};

struct Range {
  char32_t first;
  char32_t last;
};
// Unicode's East_Asian_Width W and F, in the coarse: whole blocks.
constexpr std::array<Range, 10> kWide = {{{0x1100, 0x115f},
                                          {0x2e80, 0x303e},
                                          {0x3041, 0xa4cf},
                                          {0xac00, 0xd7a3},
                                          {0xf900, 0xfaff},
                                          {0xfe30, 0xfe6f},
                                          {0xff00, 0xff60},
                                          {0xffe0, 0xffe6},
                                          {0x1f300, 0x1faff},
                                          {0x20000, 0x3fffd}}};
constexpr std::array<Range, 4> kCombining = {
    {{0x0300, 0x036f}, {0x200b, 0x200f}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}}};

template <std::size_t kCount>
bool IsIn(const std::array<Range, kCount>& ranges, char32_t code) {
  return std::any_of(ranges.begin(), ranges.end(), [code](const Range& range) {
    return code >= range.first && code <= range.last;
  });
}

// The first character of a text that is not empty.
Character FirstOf(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t bytes = byte(0) < 0xc0 ? 1 : byte(0) < 0xe0 ? 2 : byte(0) < 0xf0 ? 3 : 4;
  if (bytes == 1 || bytes > text.size()) return {};
  char32_t code = byte(0) & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return {};
    code = (code << 6U) | (byte(i) & 0x3fU);
  }
  return {bytes, IsIn(kWide, code) ? 2 : IsIn(kCombining, code) ? 0 : 1};
}

std::string Padded(std::string text, int columns) {
  const int missing = columns - DisplayWidth(text);
  if (missing > 0) text.append(static_cast<std::size_t>(missing), ' ');
  return text;
}

std::string Line(const std::string& path, const std::string& stage, const std::string& code,
                 const std::string& reason) {
  const std::string gap(kGap, ' ');
  return path + gap + stage + gap + code + gap + reason;
}

}  // namespace

Failure ReadFailure(std::string_view line) {
  const auto text = [line](std::string_view name) {
    return Printable(JsonTextMember(line, name).value_or(""));
  };
  return {text("path"), text("stage"), text("code"), text("reason")};
}

FailureTable::FailureTable(std::optional<int> columns) : columns_(columns) {
  widest_ = {.path = 4, .stage = 5, .code = 4, .reason = 6};  // of the header
}

void FailureTable::Measure(const Failure& failure) {
  widest_.path = std::max(widest_.path, DisplayWidth(failure.path));
  widest_.stage = std::max(widest_.stage, DisplayWidth(failure.stage));
  widest_.code = std::max(widest_.code, DisplayWidth(failure.code));
  widest_.reason = std::max(widest_.reason, DisplayWidth(failure.reason));
  ++by_code_[failure.code];
}

FailureTable::Widths FailureTable::Fitted() const {
  Widths widths = widest_;
  if (!columns_) {
    widths.path = std::min(widths.path, kWidestInFile);
    return widths;
  }
  // The last column stays free: some terminals wrap when it is written. Path and reason share what
  // stage and code leave; either may take what the other does not need.
  const int room = *columns_ - 1 - widths.stage - widths.code - 3 * kGap;
  const int path = std::max(room / 2, room - widths.reason);
  widths.path = std::max(std::min(widths.path, path), kNarrowest);
  widths.reason = std::max(room - widths.path, kNarrowest);
  return widths;
}

std::string FailureTable::Header() const {
  const Widths widths = Fitted();
  return Line(Padded("PATH", widths.path), Padded("STAGE", widths.stage),
              Padded("CODE", widths.code), "REASON");
}

std::string FailureTable::Row(const Failure& failure) const {
  const Widths widths = Fitted();
  const bool cut = columns_.has_value();
  return Line(Padded(cut ? KeepEnd(failure.path, widths.path) : failure.path, widths.path),
              Padded(failure.stage, widths.stage), Padded(failure.code, widths.code),
              cut ? KeepStart(failure.reason, widths.reason) : failure.reason);
}

std::string FailureTable::Total() const {
  if (by_code_.empty()) return "no failures";
  std::vector<std::pair<std::int64_t, std::string>> sorted;
  std::int64_t all = 0;
  for (const auto& [code, count] : by_code_) {
    sorted.emplace_back(-count, code);
    all += count;
  }
  std::sort(sorted.begin(), sorted.end());
  std::string text = fmt::format("{} failure{}:", Grouped(all), all == 1 ? "" : "s");
  for (const auto& [count, code] : sorted) {
    text += fmt::format("{} {} {}", text.ends_with(':') ? "" : ",", Grouped(-count), code);
  }
  return text;
}

int DisplayWidth(std::string_view text) {
  int columns = 0;
  while (!text.empty()) {
    const Character first = FirstOf(text);
    columns += first.columns;
    text.remove_prefix(first.bytes);
  }
  return columns;
}

std::string KeepEnd(std::string_view text, int columns) {
  int over = DisplayWidth(text) - columns;
  if (over <= 0) return std::string(text);
  ++over;  // for the "…"
  while (over > 0 && !text.empty()) {
    const Character first = FirstOf(text);
    over -= first.columns;
    text.remove_prefix(first.bytes);
  }
  return "…" + std::string(text);
}

std::string KeepStart(std::string_view text, int columns) {
  if (DisplayWidth(text) <= columns) return std::string(text);
  int used = 1;  // by the "…"
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    const Character next = FirstOf(text.substr(bytes));
    if (used + next.columns > columns) break;
    used += next.columns;
    bytes += next.bytes;
  }
  return std::string(text.substr(0, bytes)) + "…";
}

}  // namespace millrace::cli
