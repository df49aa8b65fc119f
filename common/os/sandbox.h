// A sandbox for threads that read files of strangers: what decoding does not need is given up, for
// good, so that a flaw in a decoder is not a way into the machine.
//
//  - Every thread of the process, by seccomp: no program or process is started, no file made,
//    changed or removed, no other process signalled, traced or read, nothing listened on; no mount,
//    module, clock, bpf, io_uring.
//  - The caller and the threads that it makes: no socket is made or used, by seccomp; and no file
//    changed or executed, once more, by Landlock.
//
// The first is for the whole process because threads share memory: code that took over one could
// make another act for it. The second is for the caller alone because others, as a worker's main
// thread, must reach the broker, and connect again. So what is left to code that gets hold of
// another thread is that thread's network, and to all of it the files that this user may read.
//
// Reading files, making threads, and descriptors that are open already work as before. What is
// refused fails with an error (seccomp_filter.h); nothing is killed.
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
