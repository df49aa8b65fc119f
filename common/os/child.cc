#include "common/os/child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <thread>

namespace millrace {
namespace {

constexpr std::size_t kTailBytes = 4096;

// execve's two arrays: pointers into `strings`, ended by a null.
struct CStrings {
  std::vector<std::string> strings;
  std::vector<char*> pointers;

  void Seal() {
    for (std::string& text : strings) pointers.push_back(text.data());
    pointers.push_back(nullptr);
  }
};

CStrings Arguments(const ChildOptions& options) {
  CStrings out;
  out.strings.push_back(options.executable);
  out.strings.insert(out.strings.end(), options.arguments.begin(), options.arguments.end());
  out.Seal();
  return out;
}

CStrings Environment(const ChildOptions& options) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  for (const auto& [name, value] : options.environment) variables[name] = value;
  CStrings out;
  for (const auto& [name, value] : variables) out.strings.push_back(name + "=" + value);
  out.Seal();
  return out;
}

// The child, between fork and exec: only async-signal-safe calls, since another thread may have
// held the allocator's lock at the fork.
[[noreturn]] void BecomeChild(const char* executable, char* const* argv, char* const* envp,
                              pid_t parent, int stderr_write, int exec_error_write,
                              bool ignore_interrupt) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before the line above: then nothing will ever kill us.
  if (getppid() != parent) _exit(127);
  if (stderr_write >= 0) {
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
      if (dup2(stderr_write, fd) < 0) _exit(127);
    }
  }
  sigset_t none;
  sigemptyset(&none);
  for (const int number : {SIGINT, SIGTERM, SIGCHLD, SIGPIPE}) std::signal(number, SIG_DFL);
  if (ignore_interrupt) {
    for (const int number : {SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) std::signal(number, SIG_IGN);
  }
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  execve(executable, argv, envp);
  const int error = errno;
  [[maybe_unused]] const ssize_t written = write(exec_error_write, &error, sizeof error);
  _exit(127);
}

Result<std::pair<UniqueFd, UniqueFd>> Pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return Fail(ErrorCode::kInternal, "cannot make a pipe: " + ErrnoText(errno));
  }
  return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

ChildEnd DecodeStatus(int status) {
  if (WIFSIGNALED(status)) return {.status = 0, .signal = WTERMSIG(status)};
  return {.status = WEXITSTATUS(status), .signal = 0};
}

}  // namespace

std::string DescribeEnd(const ChildEnd& end) {
  if (end.signal == 0) return "exit status " + std::to_string(end.status);
  const char* name = sigdescr_np(end.signal);
  return "signal " + std::to_string(end.signal) + " (" + (name != nullptr ? name : "unknown") + ")";
}

Result<Child> Child::Start(const ChildOptions& options) {
  CStrings argv = Arguments(options);
  CStrings envp = Environment(options);
  UniqueFd stderr_read;
  UniqueFd stderr_write;
  if (options.capture_stderr) {
    ASSIGN_OR_RETURN(auto ends, Pipe());
    stderr_read = std::move(ends.first);
    stderr_write = std::move(ends.second);
    fcntl(stderr_read.get(), F_SETFL, O_NONBLOCK);
  }
  ASSIGN_OR_RETURN(auto exec_error, Pipe());
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) {
    return Fail(ErrorCode::kInternal,
                "cannot start " + options.executable + ": " + ErrnoText(errno));
  }
  if (pid == 0) {
    BecomeChild(options.executable.c_str(), argv.pointers.data(), envp.pointers.data(), parent,
                stderr_write.get(), exec_error.second.get(), options.ignore_interrupt);
  }
  Child child(pid, std::move(stderr_read));
  exec_error.second.Reset();
  // Ends at once: by the exec, which closes the pipe, or with exec's errno.
  int error = 0;
  ssize_t size = 0;
  do {
    size = read(exec_error.first.get(), &error, sizeof error);
  } while (size < 0 && errno == EINTR);
  if (size == sizeof error) {
    child.Wait();
    return Fail(error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kInternal,
                "cannot start " + options.executable + ": " + ErrnoText(error));
  }
  return child;
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      end_(other.end_),
      stderr_(std::move(other.stderr_)),
      stderr_tail_(std::move(other.stderr_tail_)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    End();
    pid_ = std::exchange(other.pid_, -1);
    end_ = other.end_;
    stderr_ = std::move(other.stderr_);
    stderr_tail_ = std::move(other.stderr_tail_);
  }
  return *this;
}

Child::~Child() { End(); }

void Child::End() {
  if (pid_ < 0 || end_) return;
  Kill(SIGKILL);
  const auto until = std::chrono::steady_clock::now() + kMaxWait;
  while (!Reap() && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

char Child::State() const {
  if (pid_ < 0) return '?';
  std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  // "PID (NAME) STATE ...": a name may hold brackets and spaces.
  const std::size_t name_end = text.rfind(") ");
  return name_end == std::string::npos || name_end + 2 >= text.size() ? '?' : text[name_end + 2];
}

std::optional<ChildEnd> Child::Reap() {
  if (end_ || pid_ < 0) return end_;
  int status = 0;
  pid_t reaped = 0;
  do {
    reaped = waitpid(pid_, &status, WNOHANG);
  } while (reaped < 0 && errno == EINTR);
  if (reaped == pid_) end_ = DecodeStatus(status);
  return end_;
}

ChildEnd Child::Wait() {
  while (!end_) {
    int status = 0;
    const pid_t reaped = waitpid(pid_, &status, 0);
    if (reaped == pid_) end_ = DecodeStatus(status);
    // ECHILD: somebody else reaped it, against this class's contract; do not wait for ever.
    if (reaped < 0 && errno != EINTR) end_ = ChildEnd{.status = 255, .signal = 0};
  }
  return *end_;
}

void Child::Kill(int signal) {
  if (pid_ > 0 && !end_) kill(pid_, signal);
}

std::string Child::ReadStderr() {
  std::string out;
  std::array<char, 4096> chunk{};
  while (stderr_.valid() && out.size() < kMaxRead) {
    const ssize_t size =
        read(stderr_.get(), chunk.data(), std::min(chunk.size(), kMaxRead - out.size()));
    if (size > 0) {
      out.append(chunk.data(), static_cast<std::size_t>(size));
    } else if (size == 0) {
      stderr_.Reset();
    } else if (errno != EINTR) {
      if (errno != EAGAIN) stderr_.Reset();
      break;
    }
  }
  stderr_tail_ += out;
  if (stderr_tail_.size() > kTailBytes) {
    stderr_tail_.erase(0, stderr_tail_.size() - kTailBytes);
    const std::size_t newline = stderr_tail_.find('\n');
    if (newline != std::string::npos) stderr_tail_.erase(0, newline + 1);
  }
  return out;
}

}  // namespace millrace
