#include "cli/worker_supervisor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

namespace millrace::cli {
namespace {

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

}  // namespace

WorkerSupervisor::WorkerSupervisor(const Clock& clock, SupervisorEvents events, SendSignal send)
    : clock_(clock), events_(std::move(events)), send_(std::move(send)), host_(HostName()) {}

Result<void> WorkerSupervisor::Start(std::vector<WorkerCommand> commands) {
  for (WorkerCommand& command : commands) {
    Worker& worker = workers_.emplace_back();
    worker.command = std::move(command);
    RETURN_IF_ERROR(StartOne(worker));
  }
  return {};
}

Result<void> WorkerSupervisor::StartOne(Worker& worker) {
  worker.restart_at.reset();
  ASSIGN_OR_RETURN(LoggedChild child,
                   LoggedChild::Start(worker.command.Name(), worker.command.child));
  worker.child.emplace(std::move(child));
  worker.started = clock_.Now();
  worker.ending = Ending::kNo;
  worker.stopped_looks = 0;
  return {};
}

std::vector<int> WorkerSupervisor::StderrFds() const {
  std::vector<int> fds;
  for (const Worker& worker : workers_) {
    if (worker.child && worker.child->stderr_fd() >= 0) fds.push_back(worker.child->stderr_fd());
  }
  return fds;
}

std::optional<Instant> WorkerSupervisor::NextRestart() const {
  std::optional<Instant> next;
  for (const Worker& worker : workers_) {
    if (worker.restart_at && (!next || *worker.restart_at < *next)) next = worker.restart_at;
  }
  return next;
}

std::optional<Instant> WorkerSupervisor::NextStep() const {
  std::optional<Instant> next = NextRestart();
  for (const Worker& worker : workers_) {
    if (!worker.child || worker.ending == Ending::kNo) continue;
    next = std::min(next.value_or(Instant::max()), worker.escalate_at);
  }
  return next;
}

void WorkerSupervisor::Step() {
  for (Worker& worker : workers_) StepOne(worker);
}

void WorkerSupervisor::StepOne(Worker& worker) {
  if (worker.child) {
    const std::optional<ChildEnd> end = worker.child->Reap();
    worker.child->ReadLines(
        [&](std::string_view line) { events_.on_line(worker.child->name(), line); });
    if (end) {
      OnEnded(worker, *end);
    } else if (worker.ending != Ending::kNo && worker.escalate_at <= clock_.Now()) {
      Escalate(worker);
    }
    return;
  }
  if (stopping_ || !worker.restart_at || *worker.restart_at > clock_.Now()) return;
  if (const auto started = StartOne(worker); !started) {
    // The machine is out of processes, or the executable was replaced: it may come back.
    events_.on_line(worker.command.Name(), started.error().message);
    worker.restart_at = clock_.Now() + kMaxBackoff;
  }
}

void WorkerSupervisor::OnEnded(Worker& worker, const ChildEnd& end) {
  events_.on_end({.stage = worker.command.stage,
                  .replica = worker.command.replica,
                  .pid = worker.child->pid(),
                  .host = host_,
                  .status = end.status,
                  .signal = end.signal,
                  .stderr_tail = worker.child->stderr_tail(),
                  .expected = stopping_});
  const std::string last_line = worker.child->LastLine();
  worker.child.reset();
  if (stopping_) return;
  if (end.signal == 0 && end.status == kCannotStart) {
    events_.on_cannot_start(worker.command.Name(), last_line);
    return;
  }
  RestartLater(worker);
}

void WorkerSupervisor::RestartLater(Worker& worker) {
  if (clock_.Now() - worker.started >= kSettled) worker.backoff = kFirstBackoff;
  worker.restart_at = clock_.Now() + worker.backoff;
  worker.backoff = std::min(worker.backoff * 2, kMaxBackoff);
}

void WorkerSupervisor::Look() {
  for (Worker& worker : workers_) {
    if (!worker.child || worker.ending != Ending::kNo) continue;
    worker.stopped_looks = worker.child->State() == 'T' ? worker.stopped_looks + 1 : 0;
    if (worker.stopped_looks >= kStoppedLooks) End(worker, "is stopped");
  }
}

void WorkerSupervisor::GiveUp(std::int64_t pid) {
  for (Worker& worker : workers_) {
    if (worker.child && worker.child->pid() == pid && worker.ending == Ending::kNo) {
      End(worker, "does not answer the broker any more");
    }
  }
}

void WorkerSupervisor::End(Worker& worker, const std::string& why) {
  events_.on_frozen(fmt::format("{} (process {}) {}; it is ended{}", worker.command.Name(),
                                worker.child->pid(), why, stopping_ ? "" : " and started again"));
  worker.ending = Ending::kTold;
  worker.escalate_at = clock_.Now() + kFrozenGrace;
  send_(*worker.child, SIGTERM);  // waits for it to go on
  send_(*worker.child, SIGCONT);
}

void WorkerSupervisor::Escalate(Worker& worker) {
  if (worker.ending == Ending::kKilled) return LeaveBehind(worker);
  worker.ending = Ending::kKilled;
  worker.escalate_at = clock_.Now() + kKilledGrace;
  send_(*worker.child, SIGKILL);
}

void WorkerSupervisor::LeaveBehind(Worker& worker) {
  events_.on_frozen(fmt::format("{} (process {}, state {}) cannot be killed; it is left behind",
                                worker.command.Name(), worker.child->pid(), worker.child->State()));
  worker.child->LeaveBehind();
  worker.child.reset();
  if (!stopping_) RestartLater(worker);
}

void WorkerSupervisor::StopRestarting() {
  stopping_ = true;
  for (Worker& worker : workers_) worker.restart_at.reset();
}

bool WorkerSupervisor::AllEnded() const {
  return std::none_of(workers_.begin(), workers_.end(),
                      [](const Worker& worker) { return worker.child.has_value(); });
}

void WorkerSupervisor::KillAll(int signal) {
  for (Worker& worker : workers_) {
    if (!worker.child) continue;
    send_(*worker.child, signal);
    if (signal != SIGKILL || worker.ending == Ending::kKilled) continue;
    worker.ending = Ending::kKilled;
    worker.escalate_at = clock_.Now() + kKilledGrace;
  }
}

void WorkerSupervisor::EndAll() {
  for (Worker& worker : workers_) {
    if (!worker.child || worker.ending != Ending::kNo) continue;
    worker.ending = Ending::kTold;
    worker.escalate_at = clock_.Now() + kLeaveGrace;
    send_(*worker.child, SIGTERM);
    send_(*worker.child, SIGCONT);
  }
}

}  // namespace millrace::cli
