// A child process that cannot outlive its parent, and whose end is known to the last word.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/os/unique_fd.h"

namespace millrace {

struct ChildOptions {
  std::string executable;              // a path; PATH is not searched
  std::vector<std::string> arguments;  // without argv[0], which is `executable`
  std::vector<std::pair<std::string, std::string>> environment;  // added to, or replacing, ours
  // True: stderr and stdout are one pipe that the parent reads with ReadStderr, so that what a
  // child prints is never taken for the parent's result. False: the parent's own.
  bool capture_stderr = false;
  // The terminal sends SIGINT to the whole group, and SIGHUP when it goes; a scheduler sends
  // SIGUSR1 or SIGUSR2 to every process of a job. A supervised child leaves on its parent's word.
  bool ignore_interrupt = false;
};

struct ChildEnd {
  int status = 0;  // exit status; meaningless when `signal` is not 0
  int signal = 0;  // the signal that ended it; 0: it left by itself
  friend bool operator==(const ChildEnd&, const ChildEnd&) = default;
};

// "exit status 2", "signal 9 (Killed)".
std::string DescribeEnd(const ChildEnd& end);

// A running child. It stays in the parent's process group. The kernel kills it (SIGKILL) when the
// *thread* that started it ends, however that happens: Start only from the main thread.
// Destroying a Child that has not been reaped kills it with SIGKILL and waits for its end, but not
// longer than kMaxWait: one that the kernel does not let go (state D) is left behind.
class Child {
 public:
  // kNotFound or kInternal where it cannot be executed (an exec that fails is reported here, not
  // as an exit status).
  static Result<Child> Start(const ChildOptions& options);

  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  [[nodiscard]] pid_t pid() const { return pid_; }
  // How it ended; nullopt while it runs. Never blocks; call it again after each SIGCHLD. Once it
  // has answered it goes on answering the same.
  std::optional<ChildEnd> Reap();
  // Waits for the end.
  ChildEnd Wait();
  // Does nothing after the end was reaped: the pid may be another process's by then.
  void Kill(int signal);
  // It is neither killed nor waited for when this object goes, nor otherwise. For one that SIGKILL
  // does not end.
  void LeaveBehind() { pid_ = -1; }
  // As /proc tells: 'R', 'S', 'D' (in the kernel, which does not return), 'T' (SIGSTOP), 'Z'; '?'
  // if it does not.
  [[nodiscard]] char State() const;
  static constexpr std::chrono::seconds kMaxWait{3};

  // To poll for reading; -1 where stderr is not captured or has ended.
  [[nodiscard]] int stderr_fd() const { return stderr_.get(); }
  // What it has written since the last call, for forwarding, at most kMaxRead bytes; "" when
  // nothing is there. Never blocks. Read once more after the end: the last words come then, and a
  // pipe holds no more of them.
  std::string ReadStderr();
  static constexpr std::size_t kMaxRead = 64 * 1024;
  // The last lines it wrote, at most 4 KiB, of what ReadStderr has read.
  [[nodiscard]] const std::string& stderr_tail() const { return stderr_tail_; }

 private:
  Child(pid_t pid, UniqueFd captured) : pid_(pid), stderr_(std::move(captured)) {}
  void End();

  pid_t pid_ = -1;
  std::optional<ChildEnd> end_;
  UniqueFd stderr_;
  std::string stderr_tail_;
};

}  // namespace millrace
