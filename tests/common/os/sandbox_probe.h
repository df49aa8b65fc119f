// Whether this machine has a sandbox to give: some containers and emulators have no seccomp.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/os/sandbox.h"

namespace millrace {

// Tried in a process of its own. Says so where there is none, for a test that then has nothing to
// test.
inline bool SandboxPossible() {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) _exit(EnterSandbox() ? 0 : 1);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (status == 0) return true;
  MESSAGE("skipped: this machine has no seccomp filters");
  return false;
}

}  // namespace millrace
