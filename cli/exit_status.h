// What `millrace` exits with. Scripts rely on these numbers: they are part of the contract.
#pragma once

#include <csignal>

#include "common/base/result.h"

namespace millrace::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailures = 1;  // done, but the failures reached --fail-on
inline constexpr int kExitUsage =
    2;  // usage, configuration, missing INPUT or weights, nothing found
inline constexpr int kExitUnfinished = 3;  // could not finish, and stderr says why
// Stopped by plan, with work left: --until, SIGUSR1, SIGUSR2. sysexits.h calls it EX_TEMPFAIL.
inline constexpr int kExitStopped = 75;
// 128 + the signal's number: 129, 130 or 143 if SIGHUP, SIGINT or SIGTERM interrupted it.
inline constexpr int kExitSignal = 128;

// Signals that a scheduler sends before a job's time is up.
[[nodiscard]] constexpr bool StopsByPlan(int signal) {
  return signal == SIGUSR1 || signal == SIGUSR2;
}
// Of a command that a signal ended before its work was done.
[[nodiscard]] constexpr int ExitStatusOfSignal(int signal) {
  return StopsByPlan(signal) ? kExitStopped : kExitSignal + signal;
}

// For an error that ended a command: what the person can mend at the command line is kExitUsage.
[[nodiscard]] constexpr int ExitStatusOf(ErrorCode code) {
  return code == ErrorCode::kUsage || code == ErrorCode::kNotFound ? kExitUsage : kExitUnfinished;
}

}  // namespace millrace::cli
