// A sandbox is for good, so each is entered in a process of its own, which writes down what worked
// there and what did not.
#include "common/os/sandbox.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <functional>
#include <future>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "common/os/temp_dir.h"
#include "common/os/unique_fd.h"
#include "tests/common/os/refuse_call.h"
#include "tests/common/os/sandbox_probe.h"

namespace millrace {
namespace {

const std::string kNotPermitted = ErrnoText(EPERM);
const std::string kNoSuchCall = ErrnoText(ENOSYS);

constexpr char kEnd = '.';

// What `work` returns in a process of its own.
std::string InChild(const std::function<std::string()>& work) {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const UniqueFd from(ends[0]);
  UniqueFd to(ends[1]);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const std::string said = work() + kEnd;
    const bool written = write(to.get(), said.data(), said.size()) >= 0;
    _exit(written ? 0 : 1);
  }
  to.Reset();
  std::string said;
  std::array<char, 4096> buffer{};
  for (ssize_t count = 0; (count = read(from.get(), buffer.data(), buffer.size())) > 0;) {
    said.append(buffer.data(), static_cast<std::size_t>(count));
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  REQUIRE(said.ends_with(kEnd));  // else another program took its place
  said.pop_back();
  return said;
}

std::string InSandbox(const std::function<std::string()>& work) {
  return InChild([&] {
    const auto sandbox = EnterSandbox();
    return sandbox ? work() : sandbox.error().message;
  });
}

std::string Said(long result) { return result >= 0 ? "works" : ErrnoText(errno); }

struct Call {
  const char* name;
  std::function<long()> make;
};

// A line for each call that did not end as it should.
std::string Unlike(const std::string& expected, const std::vector<Call>& calls) {
  std::string lines;
  for (const Call& call : calls) {
    const std::string said = Said(call.make());
    if (said != expected) lines += std::string(call.name) + ": " + said + "\n";
  }
  return lines;
}

long NewThread() {
  long made = -1;
  std::thread([&] { made = 0; }).join();
  return made;
}

long Spawn() {
  const std::array<char*, 1> nothing{nullptr};
  pid_t pid = 0;
  errno = posix_spawn(&pid, "/bin/true", nullptr, nullptr, nothing.data(), nothing.data());
  return errno == 0 ? 0 : -1;
}

long Execute() {
  const std::array<char*, 1> nothing{nullptr};
  return execve("/no/such/program", nothing.data(), nothing.data());
}

TEST_CASE("in a sandbox files are read, threads made and signals sent to oneself") {
  if (!SandboxPossible()) return;
  const TempDir folder = TempDir::Create().value();
  const std::string file = folder.path() + "/file";
  std::ofstream(file) << "text";
  CHECK(InSandbox([&] {
          std::signal(SIGUSR1, SIG_IGN);
          rlimit limit{};
          std::string text;
          std::ifstream(file) >> text;
          return Unlike("works", {{"open", [&] { return open(file.c_str(), O_RDONLY); }},
                                  {"read", [&] { return text == "text" ? 0 : -1; }},
                                  {"folder", [] { return open("/", O_RDONLY | O_DIRECTORY); }},
                                  {"thread", NewThread},
                                  {"raise", [] { return raise(SIGUSR1); }},
                                  {"kill", [] { return kill(getpid(), SIGUSR1); }},
                                  {"getrlimit", [&] { return getrlimit(RLIMIT_AS, &limit); }},
                                  {"memory", [] { return syscall(SYS_memfd_create, "x", 0); }}});
        }) == "");
}

TEST_CASE("in a sandbox no file is made, written, renamed or removed") {
  if (!SandboxPossible()) return;
  const TempDir folder = TempDir::Create().value();
  const std::string file = folder.path() + "/file";
  const std::string other = folder.path() + "/other";
  std::ofstream(file) << "text";
  const char* old = file.c_str();
  const char* fresh = other.c_str();
  CHECK(InSandbox([&] {
          return Unlike(kNotPermitted,
                        {{"write", [&] { return open(old, O_WRONLY); }},
                         {"read and write", [&] { return open(old, O_RDWR); }},
                         {"append", [&] { return open(old, O_WRONLY | O_APPEND); }},
                         {"truncate", [&] { return open(old, O_RDONLY | O_TRUNC); }},
                         {"create", [&] { return open(fresh, O_RDONLY | O_CREAT, 0600); }},
                         {"nameless", [&] { return open("/tmp", O_TMPFILE | O_WRONLY, 0600); }},
                         {"open(2)", [&] { return syscall(SYS_openat, AT_FDCWD, old, O_WRONLY); }},
                         {"own memory", [] { return open("/proc/self/mem", O_RDWR); }},
                         {"mkdir", [&] { return mkdir(fresh, 0700); }},
                         {"mkfifo", [&] { return mkfifo(fresh, 0600); }},
                         {"unlink", [&] { return unlink(old); }},
                         {"rename", [&] { return std::rename(old, fresh); }},
                         {"link", [&] { return link(old, fresh); }},
                         {"symlink", [&] { return symlink(old, fresh); }},
                         {"truncate(2)", [&] { return truncate(old, 0); }},
                         {"chmod", [&] { return chmod(old, 0777); }},
                         {"utimes", [&] { return utimensat(AT_FDCWD, old, nullptr, 0); }}});
        }) == "");
  std::ostringstream left;
  left << std::ifstream(file).rdbuf();
  CHECK(left.str() == "text");
  CHECK(access(fresh, F_OK) != 0);
}

TEST_CASE("in a sandbox there is no network, no other program and no power over others") {
  if (!SandboxPossible()) return;
  std::array<int, 2> pair{};
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) == 0);
  const UniqueFd near(pair[0]);
  const UniqueFd far(pair[1]);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  rlimit limit{};
  const char byte = 'x';
  CHECK(InSandbox([&] {
          return Unlike(
              kNotPermitted,
              {{"tcp", [] { return socket(AF_INET, SOCK_STREAM, 0); }},
               {"ipc", [] { return socket(AF_UNIX, SOCK_STREAM, 0); }},
               {"pair", [&] { return socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()); }},
               {"connect", [&] { return connect(near.get(), where, sizeof address); }},
               {"bind", [&] { return bind(near.get(), where, sizeof address); }},
               {"listen", [&] { return listen(near.get(), 1); }},
               {"send", [&] { return send(near.get(), &byte, 1, 0); }},
               {"exec", Execute},
               {"fork", [] { return static_cast<long>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }},
               {"spawn", Spawn},
               {"kill", [] { return kill(getppid(), 0); }},
               {"kill all", [] { return kill(-1, 0); }},
               {"tgkill", [] { return syscall(SYS_tgkill, getppid(), getppid(), 0); }},
               {"pidfd", [] { return syscall(SYS_pidfd_open, getppid(), 0); }},
               {"prlimit", [&] { return prlimit(getppid(), RLIMIT_AS, nullptr, &limit); }},
               {"ptrace", [] { return ptrace(PTRACE_ATTACH, getppid(), nullptr, nullptr); }},
               {"owner", [&] { return fcntl(near.get(), F_SETOWN, getppid()); }},
               {"terminal", [&] { return ioctl(near.get(), TIOCSTI, &byte); }},
               {"io_uring", [] { return syscall(SYS_io_uring_setup, 1, nullptr); }},
               {"bpf", [] { return syscall(SYS_bpf, 0, nullptr, 0); }},
               {"mount", [] { return syscall(SYS_mount, nullptr, "/", nullptr, 0, nullptr); }},
               {"namespace", [] { return syscall(SYS_unshare, 0); }}});
        }) == "");
}

TEST_CASE("a call that no list names is refused, and so is a command to a descriptor or a device") {
  if (!SandboxPossible()) return;
  std::array<int, 2> pipes{};
  REQUIRE(pipe(pipes.data()) == 0);
  const UniqueFd near(pipes[0]);
  const UniqueFd far(pipes[1]);
  CHECK(InSandbox([&] {
          return Unlike(kNotPermitted,
                        {{"sync", [] { return syscall(SYS_sync); }},
                         {"inotify", [] { return syscall(SYS_inotify_init1, 0); }},
                         {"sethostname", [] { return syscall(SYS_sethostname, "", 0); }},
                         {"setuid", [] { return syscall(SYS_setuid, getuid()); }},
                         {"lease", [&] { return fcntl(near.get(), F_GETLEASE); }},
                         {"seals", [&] { return fcntl(near.get(), F_GET_SEALS); }},
                         {"device", [&] { return ioctl(near.get(), FIGETBSZ, nullptr); }}});
        }) == "");
}

TEST_CASE("calls that a filter cannot look into are not there, and neither are newer ones") {
  if (!SandboxPossible()) return;
  CHECK(InSandbox([] {
          return Unlike(kNoSuchCall,
                        {{"clone3", [] { return syscall(SYS_clone3, nullptr, 0); }},
                         {"openat2", [] { return syscall(SYS_openat2, 0, nullptr, nullptr, 0); }},
                         // Of no file: without the sandbox it must change nothing either.
                         {"fchmodat2", [] { return syscall(452, AT_FDCWD, "", 0, 0); }},
                         {"unknown", [] { return syscall(5000); }}});
        }) == "");
}

TEST_CASE("a thread made before keeps its sockets and nothing else, one made after has none") {
  if (!SandboxPossible()) return;
  const std::vector<Call> socket_call{{"socket", [] { return socket(AF_INET, SOCK_STREAM, 0); }}};
  CHECK(InChild([&] {
          std::promise<void> entered;
          std::string before;
          std::thread older([&] {
            entered.get_future().wait();
            before = Unlike("works", socket_call);
            before += Unlike(kNotPermitted, {{"write", [] { return open("/dev/null", O_WRONLY); }},
                                             {"exec", Execute}});
          });
          const auto sandbox = EnterSandbox();
          entered.set_value();
          older.join();
          std::string after;
          std::thread([&] { after = Unlike(kNotPermitted, socket_call); }).join();
          return sandbox ? before + after : sandbox.error().message;
        }) == "");
}

TEST_CASE("where the kernel has no Landlock, seccomp holds alone and says so") {
  if (!SandboxPossible()) return;
  CHECK(InChild([] {
          if (!RefuseCall(SYS_landlock_create_ruleset)) return std::string("no filter");
          const auto sandbox = EnterSandbox();
          if (!sandbox) return sandbox.error().message;
          return sandbox->Text() +
                 Unlike(kNotPermitted, {{"write", [] { return open("/dev/null", O_WRONLY); }}});
        }) == "seccomp alone, the kernel has no Landlock");
}

TEST_CASE("where there is no seccomp nothing is pretended") {
  if (!SandboxPossible()) return;
  const std::string said = InChild([] {
    if (!RefuseCall(SYS_seccomp)) return std::string("no filter");
    const auto sandbox = EnterSandbox();
    return sandbox ? sandbox->Text() : sandbox.error().message;
  });
  CHECK(said.starts_with("cannot enter the sandbox: no seccomp filter is to be had here"));
  CHECK(said.find("sandbox: false") != std::string::npos);
}

}  // namespace
}  // namespace millrace
