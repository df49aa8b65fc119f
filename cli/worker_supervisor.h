// Keeps a topology's worker processes running on this machine: starts them, forwards what they say,
// restarts the ones that die, and tells their ends, so that the broker can tell a death from a lost
// link (DESIGN: "Local supervision"; PROTOCOL.md: "exit"). Ends and replaces those that are frozen:
// given up by the broker (PROTOCOL.md: "lost"), or stopped.
//
// Driven from one thread, the main one: poll what StderrFds names, then Step.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/logged_child.h"
#include "common/base/clock.h"
#include "common/wire/messages.h"

namespace millrace::cli {

// One replica, and how to start it.
struct WorkerCommand {
  std::string stage;
  int replica = 0;
  ChildOptions child;

  [[nodiscard]] std::string Name() const { return stage + "-" + std::to_string(replica); }
};

// What the supervisor tells; called from within Start and Step.
struct SupervisorEvents {
  // A line of a worker's stderr.
  std::function<void(const std::string& worker, std::string_view line)> on_line;
  // A worker ended, however it did: for the broker.
  std::function<void(const wire::Exit& exit)> on_end;
  // A worker left with kCannotStart: starting it again would be no use. `reason` is its last line.
  std::function<void(const std::string& worker, const std::string& reason)> on_cannot_start;
  // What is done about a frozen worker, in a sentence for a person.
  std::function<void(const std::string& text)> on_frozen;
};

class WorkerSupervisor {
 public:
  // A worker's exit status for "the configuration or the model is wrong" (common/stage/worker.h).
  static constexpr int kCannotStart = 2;
  // The pause before a restart doubles from the first to the longest, and starts over once a worker
  // has lived for kSettled.
  static constexpr Duration kFirstBackoff = std::chrono::milliseconds(100);
  static constexpr Duration kMaxBackoff = std::chrono::seconds(10);
  static constexpr Duration kSettled = std::chrono::seconds(10);
  // A worker that is frozen is continued and told to leave, then killed, then left behind. One that
  // is told to leave when its broker has left holds nothing, and has a little longer.
  static constexpr Duration kFrozenGrace = std::chrono::seconds(2);
  static constexpr Duration kLeaveGrace = std::chrono::seconds(5);
  static constexpr Duration kKilledGrace = std::chrono::seconds(2);
  // A worker that Look has found stopped (SIGSTOP) so often in a row is frozen, if nobody has told
  // so before: it may never have joined the broker.
  static constexpr int kStoppedLooks = 15;

  using SendSignal = std::function<void(LoggedChild& worker, int signal)>;

  // The clock outlives the supervisor. `send` is for a test of processes that cannot be killed.
  WorkerSupervisor(
      const Clock& clock, SupervisorEvents events,
      SendSignal send = [](LoggedChild& worker, int signal) { worker.Kill(signal); });

  // Starts them all. An error means that one could not be executed; those before it run.
  Result<void> Start(std::vector<WorkerCommand> commands);

  // What to poll for reading. A poll ought to end with SIGCHLD too (SignalFd), and at NextRestart.
  [[nodiscard]] std::vector<int> StderrFds() const;
  [[nodiscard]] std::optional<Instant> NextRestart() const;
  // When Step is next needed: at a restart, or for a worker that does not leave.
  [[nodiscard]] std::optional<Instant> NextStep() const;
  // Forwards lines, notices ends, restarts what is due. Never blocks.
  void Step();
  // Looks for stopped workers; to be called about once a second. Counted and not timed, since a
  // supervisor that was itself stopped has not looked.
  void Look();
  // The broker has given this process up. Nothing, if it is none of the workers.
  void GiveUp(std::int64_t pid);
  // As it is named in HELLO.
  [[nodiscard]] const std::string& host() const { return host_; }

  // From here on ends are expected and nothing is restarted.
  void StopRestarting();
  [[nodiscard]] bool AllEnded() const;
  void KillAll(int signal);
  // SIGTERM to all, and SIGCONT to those that are stopped; those that do not leave are killed.
  void EndAll();

 private:
  enum class Ending { kNo, kTold, kKilled };
  struct Worker {
    WorkerCommand command;
    std::optional<LoggedChild> child;  // none while it waits for its restart, or is not wanted
    Instant started{};
    Duration backoff = kFirstBackoff;  // before the next restart
    std::optional<Instant> restart_at;
    Ending ending = Ending::kNo;
    Instant escalate_at;  // unless it is kNo
    int stopped_looks = 0;
  };

  Result<void> StartOne(Worker& worker);
  void StepOne(Worker& worker);
  void OnEnded(Worker& worker, const ChildEnd& end);
  void End(Worker& worker, const std::string& why);
  void Escalate(Worker& worker);
  void LeaveBehind(Worker& worker);
  void RestartLater(Worker& worker);

  const Clock& clock_;
  const SupervisorEvents events_;
  const SendSignal send_;
  const std::string host_;
  std::vector<Worker> workers_;
  bool stopping_ = false;
};

}  // namespace millrace::cli
