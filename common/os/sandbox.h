// A sandbox for threads that read files of strangers: what decoding does not need is given up, for
// good, so that a flaw in a decoder is not a way into the machine.
//
//   | what                                                      | who           | by           |
//   |-----------------------------------------------------------|---------------|--------------|
//   | no program or process started, no file changed, nobody    | every thread  | seccomp      |
//   | else signalled, traced or read, nothing listening, no     | there is or   |              |
//   | mount, module, clock, bpf, io_uring, ...                  | will be       |              |
//   | and no socket made or used; no file changed or executed,  | the caller,   | seccomp;     |
//   | once more                                                 | its threads   | Landlock     |
//
// The first line is for the whole process because threads share memory: code that took over one
// could make another act for it. The second is for the caller alone because others, as the worker's
// main thread, must reach the broker, and connect again. What it leaves: code that takes over such
// another thread by way of memory has its network, and may read every file that this user may.
//
// Reading files, making threads, and descriptors that are open already all work as before. What
// is refused fails with an error (seccomp_filter.h); nothing is killed.
#pragma once

#include <string>

#include "common/base/result.h"

namespace millrace {

struct Sandbox {
  int landlock_abi = 0;  // 0: the kernel has none, or it is switched off

  // What holds, for a log: "seccomp and Landlock ABI 4".
  [[nodiscard]] std::string Text() const;
};

// Threads made before, as a pool of Start's, keep their sockets. Without seccomp nothing would hold
// that is promised: that is an error (kUsage), and the process, in an unknown state, is to end.
// Landlock, the second wall, is taken where the kernel has it.
Result<Sandbox> EnterSandbox();

}  // namespace millrace
