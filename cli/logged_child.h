// A child process with a name, whose stderr is read line by line.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/os/child.h"

namespace millrace::cli {

class LoggedChild {
 public:
  // Main thread only (see Child). `options.capture_stderr` is set here.
  static Result<LoggedChild> Start(std::string name, ChildOptions options);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  // To poll for reading; -1 once stderr has ended.
  [[nodiscard]] int stderr_fd() const { return child_.stderr_fd(); }

  // Gives the lines that are complete by now to `take`, a long one in pieces of 16 KiB; after the
  // end, the last one as well. Never blocks, and takes no more at once than Child::kMaxRead, so
  // that a child that never stops writing does not hold up everything else.
  void ReadLines(const std::function<void(std::string_view line)>& take);

  // How it ended; nullopt while it runs.
  std::optional<ChildEnd> Reap() { return child_.Reap(); }
  void Kill(int signal) { child_.Kill(signal); }
  void LeaveBehind() { child_.LeaveBehind(); }
  [[nodiscard]] char State() const { return child_.State(); }

  // The last lines of stderr that ReadLines has seen, at most 4 KiB; and the very last.
  [[nodiscard]] const std::string& stderr_tail() const { return child_.stderr_tail(); }
  [[nodiscard]] std::string LastLine() const;

 private:
  LoggedChild(std::string name, Child child) : name_(std::move(name)), child_(std::move(child)) {}

  std::string name_;
  Child child_;
  std::string partial_;  // of the line being written
};

}  // namespace millrace::cli
