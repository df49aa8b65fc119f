#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace millrace::cli {
namespace {

constexpr int kBarWidest = 30;     // cells between the brackets
constexpr int kBarNarrowest = 10;  // below that the numbers alone say more
constexpr double kBusyEnoughToLimit = 0.5;
constexpr Duration kRateNeeds = std::chrono::seconds(1);

std::string Cells(double share, int width) {
  const int filled = static_cast<int>(std::floor(share * width));
  std::string cells(static_cast<std::size_t>(filled), '#');
  if (filled < width) cells += '>';
  cells.resize(static_cast<std::size_t>(width), ' ');
  return cells;
}

}  // namespace

void Progress::Update(Instant now, const wire::RunStatus& run,
                      std::vector<wire::StageStatus> stages, std::string_view trouble) {
  run_ = run;
  stages_ = std::move(stages);
  in_trouble_ = !trouble.empty();
  samples_.push_back({now, run.ok + run.failed - run.resumed, bytes_});
  // The oldest sample kept is the newest that is at least a window old.
  while (samples_.size() > 2 && now - samples_[1].time >= kRateWindow) samples_.pop_front();
}

std::int64_t Progress::Ended() const { return run_.ok + run_.failed + run_.skipped; }

double Progress::RateOf(std::int64_t Sample::*what) const {
  if (samples_.size() < 2) return 0;
  const Duration over = samples_.back().time - samples_.front().time;
  if (over < kRateNeeds) return 0;
  const std::int64_t more = samples_.back().*what - samples_.front().*what;
  return static_cast<double>(more) / std::chrono::duration<double>(over).count();
}

double Progress::Rate() const { return RateOf(&Sample::processed); }

double Progress::ByteRate() const { return RateOf(&Sample::bytes); }

std::string Progress::Total() const {
  return run_.scan_complete ? Grouped(run_.scanned) : Grouped(run_.scanned) + "+";
}

std::string Progress::Eta() const {
  const double rate = Rate();
  const std::int64_t left = run_.scanned - Ended();
  if (rate <= 0) return "";
  const auto eta = std::chrono::duration<double>(static_cast<double>(left) / rate);
  return fmt::format("ETA {}{}", run_.scan_complete ? "" : ">",
                     ClockText(std::chrono::duration_cast<Duration>(eta)));
}

std::vector<std::string> Progress::Facts() const {
  std::vector<std::string> facts;
  if (in_trouble_) facts.emplace_back("stalled");
  if (run_.state == "stopping" || run_.state == "paused") {
    facts.push_back(run_.state);
  } else if (!run_.scan_complete) {
    facts.emplace_back("scanning…");
  }
  if (run_.failed > 0) facts.push_back(Grouped(run_.failed) + " failed");
  if (run_.resumed > 0) facts.push_back(Grouped(run_.resumed) + " resumed");
  if (const double rate = Rate(); rate > 0) facts.push_back(fmt::format("{:.1f} img/s", rate));
  if (const double rate = ByteRate(); rate > 0) {
    facts.push_back(fmt::format("{:.1f} MB/s", rate / 1e6));
  }
  if (std::string eta = Eta(); !eta.empty()) facts.push_back(std::move(eta));
  if (const std::string stage = LimitingStage(stages_); !stage.empty()) {
    facts.push_back("limit: " + stage);
  }
  return facts;
}

std::string Progress::Bar(int columns) const {
  const double share =
      run_.scanned == 0
          ? 0.0
          : std::clamp(static_cast<double>(Ended()) / static_cast<double>(run_.scanned), 0.0, 1.0);
  std::string text = fmt::format("{}/{}", Grouped(Ended()), Total());
  if (run_.scan_complete) text = fmt::format("{:.0f}%  {}", std::floor(share * 100), text);
  // The last column stays free: some terminals wrap when it is written.
  const int room = columns - 1;
  int used = static_cast<int>(text.size());  // in columns: every character but "…" is one byte
  for (const std::string& fact : Facts()) {
    const int width = static_cast<int>(fact.size()) - (fact.ends_with("…") ? 2 : 0);
    if (used + 2 + width > room) break;
    text += "  " + fact;
    used += 2 + width;
  }
  if (used > room) return std::string(static_cast<std::size_t>(std::max(0, room)), '.');
  const int cells = std::min(kBarWidest, room - used - 3);
  // While the scan goes on the share is of what was found so far, which says little: no bar.
  if (cells < kBarNarrowest || !run_.scan_complete) return text;
  return fmt::format("[{}] {}", Cells(share, cells), text);
}

std::string Progress::Line() const {
  std::string text = fmt::format("{} of {} images", Grouped(Ended()), Total());
  for (const std::string& fact : Facts()) text += ", " + fact;
  return text;
}

std::string LimitingStage(const std::vector<wire::StageStatus>& stages) {
  const auto busiest = std::max_element(
      stages.begin(), stages.end(),
      [](const wire::StageStatus& a, const wire::StageStatus& b) { return a.busy < b.busy; });
  if (busiest == stages.end() || busiest->busy <= kBusyEnoughToLimit) return "";
  return busiest->name;
}

std::string Grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string ClockText(Duration duration) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(duration).count();
  if (seconds < 3600) return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
  return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

}  // namespace millrace::cli
