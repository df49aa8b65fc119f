#include "cli/broker_supervisor.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace millrace::cli {

BrokerSupervisor::BrokerSupervisor(const Clock& clock, ChildOptions command, BrokerEvents events)
    : clock_(clock), command_(std::move(command)), events_(std::move(events)) {}

Result<void> BrokerSupervisor::Start(const std::vector<std::string>& first_only) {
  ChildOptions command = command_;
  command.arguments.insert(command.arguments.end(), first_only.begin(), first_only.end());
  return StartOne(command);
}

Result<void> BrokerSupervisor::StartOne(const ChildOptions& command) {
  restart_at_.reset();
  ASSIGN_OR_RETURN(LoggedChild child, LoggedChild::Start("broker", command));
  child_.emplace(std::move(child));
  return {};
}

void BrokerSupervisor::Step() {
  if (child_) {
    const std::optional<ChildEnd> end = child_->Reap();
    child_->ReadLines(events_.on_line);
    if (end) return OnEnded(*end);
    if (!give_up_at_ || *give_up_at_ > clock_.Now()) return;
    events_.on_line(fmt::format("process {}, state {}, cannot be killed; it is left behind",
                                child_->pid(), child_->State()));
    child_->LeaveBehind();
    OnEnded({.status = 0, .signal = SIGKILL});
    return;
  }
  if (!restart_at_ || *restart_at_ > clock_.Now()) return;
  if (const auto started = StartOne(command_); !started) {
    // The machine is out of processes, or the executable was replaced: it may come back.
    events_.on_line(started.error().message);
    restart_at_ = clock_.Now() + kMaxBackoff;
    return;
  }
  ++restarts_;
}

void BrokerSupervisor::OnEnded(const ChildEnd& end) {
  last_line_ = child_->LastLine();
  last_end_ = end;
  child_.reset();
  give_up_at_.reset();
  const bool replaced = std::exchange(replace_, false);
  const bool left = end.signal == 0 && (end.status == 0 || end.status == kWrongConfiguration ||
                                        end.status == kCannotServe);
  if ((stopping_ && !replaced) || left) {
    end_ = end;
    return;
  }
  const Instant now = clock_.Now();
  while (!deaths_.empty() && now - deaths_.front() >= kDeathsWithin) deaths_.pop_front();
  if (deaths_.empty()) backoff_ = kFirstBackoff;
  deaths_.push_back(now);
  if (deaths_.size() >= kMaxDeaths) {
    gave_up_ = true;
    end_ = end;
    return;
  }
  restart_at_ = now + backoff_;
  backoff_ = std::min(backoff_ * 2, kMaxBackoff);
  events_.on_death(end);
}

std::string BrokerSupervisor::DescribeEnd() const {
  if (!end_) return "";
  const std::string how =
      gave_up_ ? fmt::format("the broker died {} times within {} s, at last of {}", kMaxDeaths,
                             kDeathsWithin.count(), millrace::DescribeEnd(*end_))
               : fmt::format("the broker ended with {}", millrace::DescribeEnd(*end_));
  return last_line_.empty() ? how : how + ": " + last_line_;
}

void BrokerSupervisor::StopRestarting() {
  stopping_ = true;
  restart_at_.reset();
  if (!child_ && !end_) end_ = last_end_;
}

void BrokerSupervisor::Kill(int signal) {
  if (!child_) return;
  child_->Kill(signal);
  if (signal == SIGKILL && !give_up_at_) give_up_at_ = clock_.Now() + kKilledGrace;
}

void BrokerSupervisor::Replace() {
  if (!child_) return;
  replace_ = true;
  Kill(SIGKILL);
}

}  // namespace millrace::cli
