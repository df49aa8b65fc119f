// `millrace run` once its pipeline has been started: submits the run, shows how it goes, handles
// Ctrl-C and brokers that die, and stops the pipeline.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>

#include "cli/ended_follower.h"
#include "cli/local_pipeline.h"
#include "cli/run_follower.h"
#include "cli/terminal.h"
#include "cli/time_of_day.h"
#include "common/base/clock.h"
#include "common/os/signals.h"
#include "common/wire/messages.h"

namespace millrace::cli {

struct SessionOptions {
  ProgressStyle progress = ProgressStyle::kAuto;
  std::optional<StopTime> until;
  std::string remark_details;  // as StatusFollower's
  // Called once the broker has taken the run.
  std::function<void()> on_accepted;
  // Is told what ends, as it ends; may be null. Outlives the session.
  EndedSink* ended = nullptr;
};

// How a session ended.
struct SessionEnd {
  std::optional<wire::RunStatus> run;  // as it ended; nullopt where that was not to be learnt
  int signal = 0;                      // that interrupted it, or made it end at once; 0: none did
  bool out_of_time = false;            // it was stopped at SessionOptions::until
  // Why there was no ordinary end; "" where there was one. `exit_status` goes with it.
  std::string trouble;
  int exit_status = 0;
};

class LocalSession {
 public:
  // A broker that has not answered by then is not going to.
  static constexpr Duration kStartDeadline = std::chrono::minutes(2);
  // For a cancelled run to end: what is in flight may finish. `longest_drain` is the longest
  // drain_timeout of the stages.
  static constexpr Duration StopDeadline(Duration longest_drain) {
    return std::max<Duration>(std::chrono::seconds(60), longest_drain + kAfterDrain);
  }
  // For the processes to leave after that. The broker waits for its workers as long as
  // drain_timeout says; where the run has not ended before, its report is written only then.
  static constexpr Duration LeaveDeadline(Duration longest_drain) {
    return std::max<Duration>(std::chrono::seconds(10), longest_drain + kAfterDrain);
  }
  // For what is left to do once the workers have gone, or have been given up.
  static constexpr Duration kAfterDrain = std::chrono::seconds(5);
  // For a run to end whose pipeline cannot work.
  static constexpr Duration kGiveUpDeadline = std::chrono::seconds(3);
  // For the broker to write the report once somebody insists and the workers have been killed.
  static constexpr Duration kHurryDeadline = std::chrono::seconds(5);
  // For the last message of a broker that has left.
  static constexpr Duration kLastWordDeadline = std::chrono::seconds(1);

  // All outlive the session.
  LocalSession(const Clock& clock, SignalFd& signals, Terminal& terminal, LocalPipeline& pipeline,
               SessionOptions options);

  // Runs what the request starts, Submit or RetryRequest, to the end. Afterwards no child is left.
  SessionEnd Run(wire::ControlRequest request);

 private:
  enum class Phase {
    kSubmitting,  // until the broker has named the run
    kRunning,
    kStopping,  // cancelled: until the run has ended
    kLeaving,   // until every child has ended
    kHurrying,  // the workers were killed: until the broker has said how the run ended, and left
    kOver,
  };

  void Submit();
  void Wait();
  void HandleSignals();
  // The first signal.
  void Interrupt(int signal);
  // The one that insists.
  void Hurry(int signal);
  void HandleReplies();
  void OnSubmitReply(const wire::ControlReply& reply);
  // What the broker that died had not answered is asked of the new one.
  void OnNewBroker();
  void CheckPipeline();
  // Whether there is more to learn of the run than its end.
  [[nodiscard]] bool Follows() const;
  void FollowEnded();
  // When the run is to be stopped by the clock, as far as the wall clock tells now.
  [[nodiscard]] std::optional<Instant> StopAt() const;
  void CheckTime();
  void CheckDeadline();

  // Asks the broker to end the run early; `within` bounds how long that may take.
  void Cancel(const std::string& reason, Duration within);
  void SendCancel();
  void Leave();
  void Trouble(std::string what, int exit_status);

  const Clock& clock_;
  SignalFd& signals_;
  StopSignals stop_signals_;
  Terminal& terminal_;
  LocalPipeline& pipeline_;
  const SessionOptions options_;
  StatusFollower follower_;
  std::optional<EndedFollower> ended_;
  Phase phase_ = Phase::kSubmitting;
  wire::ControlRequest request_;
  std::uint64_t submit_id_ = 0;  // of the latest; 0: it has been answered
  int broker_restarts_ = 0;      // of which this session knows
  std::string cancel_reason_;
  std::optional<Instant> deadline_;  // of the phase
  SessionEnd end_;
};

}  // namespace millrace::cli
