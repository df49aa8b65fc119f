// A list of files that can be read only once, as one that lasts as long as the run.
#pragma once

#include <string>

#include "common/base/result.h"
#include "common/os/signals.h"

namespace millrace::cli {

// What may end the copying early: whoever writes into a pipe may take for ever.
struct SpoolInterrupt {
  SignalFd& signals;
  int signal = 0;  // that came; 0: none did
};

// Copies what `from` names to the new file `to`, until its end: "-" for stdin, or a path to
// anything that can be read (a FIFO, /dev/fd/63 of a shell's <(...)). kNotFound or kUnreadable
// where it cannot be, kWriteFailed for the copy. kUnavailable where a signal ended it: it is in
// `interrupt`, which may be null.
Result<void> SpoolList(const std::string& from, const std::string& to, SpoolInterrupt* interrupt);

}  // namespace millrace::cli
