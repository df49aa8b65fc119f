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
  return run.state == "done" || run.state == "stopped" || run.state == "failed";
}

}  // namespace

const std::map<std::string, ProgressStyle>& ProgressStyles() {
  static const std::map<std::string, ProgressStyle> styles = {{"auto", ProgressStyle::kAuto},
                                                              {"bar", ProgressStyle::kBar},
                                                              {"plain", ProgressStyle::kPlain},
                                                              {"none", ProgressStyle::kNone}};
  return styles;
}

StatusFollower::StatusFollower(const Clock& clock, net::ControlClient& control, Terminal& terminal,
                               ProgressStyle style)
    : clock_(clock), control_(control), terminal_(terminal), style_(Resolve(style, terminal)) {}

void StatusFollower::Follow(RunId run) {
  run_ = run;
  last_heard_ = clock_.Now();
  next_line_ = last_heard_ + kLineInterval;
  AskForEnd();
}

void StatusFollower::AskForEnd() {
  // Answered at the end, so that it is seen at once and not at the next status. Where it cannot be
  // sent nobody answers, which last_heard tells.
  wait_id_ = control_.Send(wire::WaitRequest{run_}).value_or(0);
}

void StatusFollower::Step() {
  const Instant now = clock_.Now();
  if (!following() || ended_ || now < next_status_) return;
  if (unanswered_) {
    // Lost with a broker that died, perhaps. What it had not taken yet waits for the next one by
    // itself, so that there is no hurry.
    ask_again_ = std::min(ask_again_ * 2, kAskAtLeast);
    AskForEnd();
  }
  status_id_ = control_.Send(wire::StatusRequest{run_}).value_or(0);
  unanswered_ = true;
  next_status_ = now + ask_again_;
}

std::optional<Instant> StatusFollower::NextStep() const {
  if (!following() || ended_) return std::nullopt;
  return next_status_;
}

void StatusFollower::AskAnew() {
  if (!following() || ended_) return;
  AskForEnd();
  unanswered_ = false;
  ask_again_ = kAskAgain;
  next_status_ = clock_.Now();
}

void StatusFollower::OnReply(const wire::ReplyEnvelope& reply) {
  if (!following() || ended_) return;
  if (const auto* refusal = std::get_if<wire::ErrorReply>(&reply.reply)) {
    OnRefusal(reply, *refusal);
  } else if (const auto* status = std::get_if<wire::StatusReply>(&reply.reply)) {
    OnStatus(*status);
  }
}

void StatusFollower::OnRefusal(const wire::ReplyEnvelope& reply, const wire::ErrorReply& refusal) {
  if (reply.id != status_id_ && reply.id != wait_id_) return;
  const ErrorCode code = ErrorCodeFromName(refusal.code);
  if (code != ErrorCode::kUnavailable) refused_ = Error{code, refusal.text};  // else it may pass
}

void StatusFollower::OnStatus(const wire::StatusReply& status) {
  const auto mine = std::find_if(status.runs.begin(), status.runs.end(),
                                 [this](const wire::RunStatus& run) { return run.run == run_; });
  if (mine == status.runs.end()) return;
  const Instant now = clock_.Now();
  last_heard_ = now;
  if (unanswered_) next_status_ = now + kStatusInterval;
  unanswered_ = false;
  ask_again_ = kAskAgain;
  progress_.Update(now, *mine, status.stages, status.trouble);
  if (!status.trouble.empty() && status.trouble != trouble_) {
    terminal_.Print("millrace: the broker takes no more work: " + status.trouble);
  }
  trouble_ = status.trouble;
  if (!mine->remark.empty() && remark_.empty()) {
    remark_ = mine->remark;
    terminal_.Print("millrace: " + remark_);
    if (!remark_details_.empty()) terminal_.Print("  " + remark_details_);
  }
  if (!HasEnded(*mine)) return Show(now);
  ended_ = *mine;
  terminal_.ShowLive("");
}

void StatusFollower::Show(Instant now) {
  if (style_ == ProgressStyle::kBar) terminal_.ShowLive(progress_.Bar(terminal_.columns()));
  if (style_ == ProgressStyle::kPlain && now >= next_line_) {
    terminal_.Print(progress_.Line());
    next_line_ = now + kLineInterval;
  }
}

}  // namespace millrace::cli
