// Follows one run through the broker's statuses and shows how it goes, until it has ended.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "cli/progress.h"
#include "cli/terminal.h"
#include "common/base/clock.h"
#include "common/net/control_client.h"

namespace millrace::cli {

enum class ProgressStyle { kAuto, kBar, kPlain, kNone };

// For CLI::CheckedTransformer: "auto", "bar", "plain", "none".
const std::map<std::string, ProgressStyle>& ProgressStyles();

class RunFollower {
 public:
  // All three outlive the follower. kAuto and kBar are a bar on a terminal, plain
  // lines elsewhere.
  RunFollower(const Clock& clock, net::ControlClient& control, Terminal& terminal,
              ProgressStyle style);

  // From here on: asks about this run.
  void Follow(RunId run);
  [[nodiscard]] bool following() const { return run_.valid(); }
  [[nodiscard]] RunId run() const { return run_; }

  // Asks for a status where one is due; at most four a second.
  void Step();
  [[nodiscard]] std::optional<Instant> NextStep() const;
  // Takes any reply; those that are no status of the run are left alone.
  void OnReply(const wire::ControlReply& reply);

  // The run as it ended, with its report; nullopt while it goes on.
  [[nodiscard]] const std::optional<wire::RunStatus>& ended() const { return ended_; }
  // When the broker last said something about the run, or was first asked.
  [[nodiscard]] Instant last_heard() const { return last_heard_; }

 private:
  void Show(Instant now);

  const Clock& clock_;
  net::ControlClient& control_;
  Terminal& terminal_;
  const ProgressStyle style_;
  Progress progress_;
  RunId run_;
  Instant next_status_{};
  Instant next_line_{};
  Instant last_heard_{};
  std::optional<wire::RunStatus> ended_;
};

}  // namespace millrace::cli
