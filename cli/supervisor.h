// Keeps a topology's worker processes running on this machine: starts them, forwards what they say,
// restarts the ones that die, and tells their ends, so that the broker can tell a death from a lost
// link (DESIGN: "Local supervision"; PROTOCOL.md: "exit").
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
};

class Supervisor {
 public:
  // A worker's exit status for "the configuration or the model is wrong" (common/stage/worker.h).
  static constexpr int kCannotStart = 2;
  // The pause before a restart doubles from the first to the longest, and starts over once a worker
  // has lived for kSettled.
  static constexpr Duration kFirstBackoff = std::chrono::milliseconds(100);
  static constexpr Duration kLongestBackoff = std::chrono::seconds(10);
  static constexpr Duration kSettled = std::chrono::seconds(10);

  // The clock outlives the supervisor.
  Supervisor(const Clock& clock, SupervisorEvents events);

  // Starts them all. An error means that one could not be executed; those before it run.
  Result<void> Start(std::vector<WorkerCommand> commands);

  // What to poll for reading. A poll ought to end with SIGCHLD too (SignalFd), and at NextRestart.
  [[nodiscard]] std::vector<int> StderrFds() const;
  [[nodiscard]] std::optional<Instant> NextRestart() const;
  // Forwards lines, notices ends, restarts what is due. Never blocks.
  void Step();

  // From here on ends are expected and nothing is restarted.
  void StopRestarting();
  [[nodiscard]] bool AllEnded() const;
  void KillAll(int signal);

 private:
  struct Worker {
    WorkerCommand command;
    std::optional<LoggedChild> child;  // none while it waits for its restart, or is not wanted
    Instant started{};
    Duration backoff = kFirstBackoff;  // before the next restart
    std::optional<Instant> restart_at;
  };

  Result<void> StartOne(Worker& worker);
  void StepOne(Worker& worker);
  void OnEnded(Worker& worker, const ChildEnd& end);

  const Clock& clock_;
  const SupervisorEvents events_;
  const std::string host_;
  std::vector<Worker> workers_;
  bool stopping_ = false;
};

}  // namespace millrace::cli
