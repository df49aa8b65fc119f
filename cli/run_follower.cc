#include "cli/run_follower.h"

#include <algorithm>

namespace millrace::cli {
namespace {

constexpr Duration kStatusInterval = std::chrono::milliseconds(250);
constexpr Duration kLineInterval = std::chrono::seconds(5);

ProgressStyle Resolve(ProgressStyle style, const Terminal& terminal) {
  if (style == ProgressStyle::kPlain || style == ProgressStyle::kNone) return style;
  // A bar in a file would be one endless line.
  return terminal.interactive() ? ProgressStyle::kBar : ProgressStyle::kPlain;
}

bool HasEnded(const wire::RunStatus& run) {
  return run.state != "active" && run.state != "stopping";
}

}  // namespace

const std::map<std::string, ProgressStyle>& ProgressStyles() {
  static const std::map<std::string, ProgressStyle> styles = {{"auto", ProgressStyle::kAuto},
                                                              {"bar", ProgressStyle::kBar},
                                                              {"plain", ProgressStyle::kPlain},
                                                              {"none", ProgressStyle::kNone}};
  return styles;
}

RunFollower::RunFollower(const Clock& clock, net::ControlClient& control, Terminal& terminal,
                         ProgressStyle style)
    : clock_(clock), control_(control), terminal_(terminal), style_(Resolve(style, terminal)) {}

void RunFollower::Follow(RunId run) {
  run_ = run;
  last_heard_ = clock_.Now();
  next_line_ = last_heard_ + kLineInterval;
  // Answered at the end, so that it is seen at once and not at the next status.
  [[maybe_unused]] const auto sent = control_.Send(wire::WaitRequest{run});
}

void RunFollower::Step() {
  const Instant now = clock_.Now();
  if (!following() || ended_ || now < next_status_) return;
  next_status_ = now + kStatusInterval;
  // Where it cannot be sent nobody answers, which last_heard tells.
  [[maybe_unused]] const auto sent = control_.Send(wire::StatusRequest{run_});
}

std::optional<Instant> RunFollower::NextStep() const {
  if (!following() || ended_) return std::nullopt;
  return next_status_;
}

void RunFollower::OnReply(const wire::ControlReply& reply) {
  const auto* status = std::get_if<wire::StatusReply>(&reply);
  if (status == nullptr || ended_) return;
  const auto mine = std::find_if(status->runs.begin(), status->runs.end(),
                                 [this](const wire::RunStatus& run) { return run.run == run_; });
  if (mine == status->runs.end()) return;
  const Instant now = clock_.Now();
  last_heard_ = now;
  progress_.Update(now, *mine, status->stages);
  if (!HasEnded(*mine)) return Show(now);
  ended_ = *mine;
  terminal_.ShowLive("");
}

void RunFollower::Show(Instant now) {
  if (style_ == ProgressStyle::kBar) terminal_.ShowLive(progress_.Bar(terminal_.columns()));
  if (style_ == ProgressStyle::kPlain && now >= next_line_) {
    terminal_.Print(progress_.Line());
    next_line_ = now + kLineInterval;
  }
}

}  // namespace millrace::cli
