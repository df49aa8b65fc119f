// The two seccomp filters of sandbox.h, as programs for the kernel (seccomp(2)).
//
// The first is a list of what is allowed: a call that nobody thought of is refused. Written for the
// kernel's own interface, which one table and three kinds of rule need no library for.
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <vector>

namespace millrace {

// For every thread of the process `self`: no new program or process, no file changed, no power
// over other processes or the machine, no listening socket. Empty on processors other than x86-64
// and arm64, whose calls were not looked at.
//
// Any call that is not on the list fails with EPERM. Those whose arguments lie in memory, where no
// filter can look, fail with ENOSYS, and so does all that is newer than Linux 6.1: libraries then
// take the older call, which is looked at.
std::vector<sock_filter> ProcessFilter(pid_t self);

// For threads that need no network at all: beside the above, no socket is made, connected, sent to
// or received from.
std::vector<sock_filter> ThreadFilter();

}  // namespace millrace
