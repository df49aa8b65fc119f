// Follows one run through the broker's statuses and shows how it goes, until it has ended. A broker
// that dies and comes back is asked anew.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "cli/progress.h"
#include "cli/terminal.h"
#include "common/base/clock.h"
#include "common/net/control_client.h"

namespace millrace::cli {

enum class ProgressStyle { kAuto, kBar, kPlain, kNone };

// For CLI::CheckedTransformer: "auto", "bar", "plain", "none".
const std::map<std::string, ProgressStyle>& ProgressStyles();

class StatusFollower {
 public:
  // All three outlive the follower. kAuto and kBar are a bar on a terminal, plain
  // lines elsewhere.
  StatusFollower(const Clock& clock, net::ControlClient& control, Terminal& terminal,
                 ProgressStyle style);

  // From here on: asks about this run.
  void Follow(RunId run);
  [[nodiscard]] bool following() const { return run_.valid(); }
  [[nodiscard]] RunId run() const { return run_; }

  // What else there is to say where the run has a remark (wire::RunStatus::remark).
  void set_remark_details(std::string details) { remark_details_ = std::move(details); }

  // Asks for a status where one is due: at most four a second, and one that is not answered again
  // after kAskAgain, then twice that, and so on up to kAskAtLeast.
  void Step();
  [[nodiscard]] std::optional<Instant> NextStep() const;
  // There is a new broker: what the old one has not answered it never will.
  void AskAnew();
  // So much was read since the last time, for what has ended.
  void AddBytes(std::int64_t bytes) { progress_.AddBytes(bytes); }
  // Takes any reply; those that concern something else are left alone.
  void OnReply(const wire::ReplyEnvelope& reply);

  static constexpr Duration kAskAgain = std::chrono::seconds(2);
  static constexpr Duration kAskAtLeast = std::chrono::seconds(30);

  // The run as it ended, with its report; nullopt while it goes on.
  [[nodiscard]] const std::optional<wire::RunStatus>& ended() const { return ended_; }
  // Why the broker will not tell of the run: it knows none of that number.
  [[nodiscard]] const std::optional<Error>& refused() const { return refused_; }
  // When the broker last said something about the run, or was first asked.
  [[nodiscard]] Instant last_heard() const { return last_heard_; }

 private:
  void AskForEnd();
  void OnRefusal(const wire::ReplyEnvelope& reply, const wire::ErrorReply& refusal);
  void OnStatus(const wire::StatusReply& status);
  void Show(Instant now);

  const Clock& clock_;
  net::ControlClient& control_;
  Terminal& terminal_;
  const ProgressStyle style_;
  Progress progress_;
  RunId run_;
  Instant next_status_{};
  // The latest requests; 0: none.
  std::uint64_t status_id_ = 0;
  std::uint64_t wait_id_ = 0;
  bool unanswered_ = false;  // nothing has come since the latest status was asked for
  Duration ask_again_ = kAskAgain;
  Instant next_line_{};
  Instant last_heard_{};
  std::string trouble_;  // as it was shown last
  std::string remark_;   // as it was shown, once
  std::string remark_details_;
  std::optional<wire::RunStatus> ended_;
  std::optional<Error> refused_;
};

}  // namespace millrace::cli
