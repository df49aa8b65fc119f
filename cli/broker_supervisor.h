// Keeps a topology's broker running on this machine: starts it, forwards what it says, and starts
// it again when it dies, or is killed since it is frozen. Its state goes on where it was, workers
// and clients find the new one by themselves.
//
// Driven from one thread, the main one: poll stderr_fd, then Step.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/logged_child.h"
#include "common/base/clock.h"

namespace millrace::cli {

// What the keeper tells; called from within Step.
struct BrokerEvents {
  // A line of the broker's stderr.
  std::function<void(std::string_view line)> on_line;
  // The broker died and is going to be started again.
  std::function<void(const ChildEnd& end)> on_death;
};

class BrokerSupervisor {
 public:
  // What the broker itself says no to (broker/main.cc): its configuration is wrong, or it cannot
  // serve, as with a state that cannot be written. Starting it again would be no use.
  static constexpr int kWrongConfiguration = 2;
  static constexpr int kCannotServe = 3;
  // The pause before a restart doubles from the first to the longest, and starts over once a
  // broker has lived for kDeathsWithin.
  static constexpr Duration kFirstBackoff = std::chrono::milliseconds(100);
  static constexpr Duration kMaxBackoff = std::chrono::seconds(5);
  // So many deaths in such a time: it is not started again.
  static constexpr std::size_t kMaxDeaths = 5;
  static constexpr std::chrono::seconds kDeathsWithin{60};
  static constexpr Duration kKilledGrace = std::chrono::seconds(2);

  // `command` starts the broker; the first start has `first_only` among its arguments too. The
  // clock outlives the keeper.
  BrokerSupervisor(const Clock& clock, ChildOptions command, BrokerEvents events);
  Result<void> Start(const std::vector<std::string>& first_only);

  // To poll for reading; -1 while there is no broker, or its stderr has ended.
  [[nodiscard]] int stderr_fd() const { return child_ ? child_->stderr_fd() : -1; }
  [[nodiscard]] std::optional<Instant> NextRestart() const { return restart_at_; }
  // When Step is next needed: at a restart, or for a broker that cannot be killed.
  [[nodiscard]] std::optional<Instant> NextStep() const {
    return restart_at_ ? restart_at_ : give_up_at_;
  }
  // Forwards lines, notices an end, restarts what is due. Never blocks.
  void Step();
  // Its process's state (Child::State); '?' while there is none.
  [[nodiscard]] char State() const { return child_ ? child_->State() : '?'; }
  [[nodiscard]] bool running() const { return child_.has_value(); }
  // Kills the broker, which is frozen, and starts another, even if ends are expected by now. One
  // that cannot be killed is left behind after kKilledGrace.
  void Replace();

  // How the broker ended for good; nullopt while it runs or is going to run again.
  [[nodiscard]] const std::optional<ChildEnd>& end() const { return end_; }
  // "the broker ended with exit status 3: no space left"; "" while end() is nullopt.
  [[nodiscard]] std::string DescribeEnd() const;
  // How often it has been started again.
  [[nodiscard]] int restarts() const { return restarts_; }

  // From here on an end is for good.
  void StopRestarting();
  // After SIGKILL one that does not end is left behind, as with Replace.
  void Kill(int signal);

 private:
  Result<void> StartOne(const ChildOptions& command);
  void OnEnded(const ChildEnd& end);

  const Clock& clock_;
  const ChildOptions command_;
  const BrokerEvents events_;
  std::optional<LoggedChild> child_;  // none while it waits for its restart, or is not wanted
  std::string last_line_;             // of the one that ended last
  ChildEnd last_end_;
  std::deque<Instant> deaths_;  // within kDeathsWithin
  Duration backoff_ = kFirstBackoff;
  std::optional<Instant> restart_at_;
  std::optional<Instant> give_up_at_;  // of one that was killed
  bool replace_ = false;
  int restarts_ = 0;
  bool stopping_ = false;
  bool gave_up_ = false;  // it died too often
  std::optional<ChildEnd> end_;
};

}  // namespace millrace::cli
