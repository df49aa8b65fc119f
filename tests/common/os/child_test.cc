#include "common/os/child.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <string>

#include "common/os/signals.h"
#include "common/os/temp_dir.h"

namespace millrace {
namespace {

ChildOptions Shell(std::string script) {
  return {.executable = "/bin/sh", .arguments = {"-c", std::move(script)}, .capture_stderr = true};
}

// Waits for the pipe, not for a time: ends when the child closes its stderr.
std::string AllStderr(Child& child) {
  std::string all;
  while (child.stderr_fd() >= 0) {
    pollfd item{child.stderr_fd(), POLLIN, 0};
    REQUIRE(poll(&item, 1, 20000) == 1);
    all += child.ReadStderr();
  }
  return all;
}

bool Alive(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(stat, text)) return false;
  const char state = text[text.rfind(')') + 2];
  return state != 'Z' && state != 'X';
}

TEST_CASE("a child's exit status and its last words are known") {
  auto child = Child::Start(Shell("echo first >&2; echo last words >&2; exit 7"));
  REQUIRE(child);
  CHECK(AllStderr(*child) == "first\nlast words\n");
  CHECK(child->Wait() == ChildEnd{.status = 7, .signal = 0});
  CHECK(child->stderr_tail() == "first\nlast words\n");
  CHECK(child->Reap() == ChildEnd{.status = 7, .signal = 0});
}

TEST_CASE("a child that a signal ended says which") {
  auto child = Child::Start(Shell("kill -SEGV $$"));
  REQUIRE(child);
  CHECK(child->Wait() == ChildEnd{.status = 0, .signal = SIGSEGV});
  CHECK(DescribeEnd(child->Wait()).starts_with("signal 11 ("));
}

TEST_CASE("an executable that is not there is an error of Start, by name") {
  const auto child = Child::Start({.executable = "/nowhere/millrace-nothing"});
  REQUIRE_FALSE(child);
  CHECK(child.error().code == ErrorCode::kNotFound);
  CHECK(child.error().message.find("/nowhere/millrace-nothing") != std::string::npos);
}

TEST_CASE("only the last lines of a talkative child are kept, whole ones") {
  auto child =
      Child::Start(Shell("i=0; while [ $i -lt 2000 ]; do echo line $i >&2; i=$((i+1)); done"));
  REQUIRE(child);
  AllStderr(*child);
  child->Wait();
  CHECK(child->stderr_tail().size() <= 4096);
  CHECK(child->stderr_tail().starts_with("line 1"));
  CHECK(child->stderr_tail().ends_with("line 1999\n"));
}

TEST_CASE("a child that never stops writing is read in bounded pieces") {
  auto child = Child::Start(Shell("exec yes"));
  REQUIRE(child);
  for (int piece = 0; piece < 3; ++piece) {
    pollfd item{child->stderr_fd(), POLLIN, 0};
    REQUIRE(poll(&item, 1, 20000) == 1);
    const std::string read = child->ReadStderr();
    CHECK_FALSE(read.empty());
    CHECK(read.size() <= Child::kMaxRead);
  }
  child->Kill(SIGKILL);
  child->Wait();
}

TEST_CASE("what a child prints comes with what it complains of, and not on our stdout") {
  auto child = Child::Start(Shell("echo printed; echo complained >&2"));
  REQUIRE(child);
  CHECK(AllStderr(*child) == "printed\ncomplained\n");
}

TEST_CASE("a child gets the variables it is given, and keeps the others") {
  ChildOptions options = Shell("echo \"$MILLRACE_TEST:$PATH\" >&2");
  options.environment = {{"MILLRACE_TEST", "here"}};
  auto child = Child::Start(options);
  REQUIRE(child);
  CHECK(AllStderr(*child) == std::string("here:") + std::getenv("PATH") + "\n");
}

TEST_CASE("a child starts with the signals open that its parent has blocked") {
  auto signals = SignalFd::Open();
  REQUIRE(signals);
  auto child = Child::Start(Shell("grep SigBlk /proc/self/status >&2"));
  REQUIRE(child);
  CHECK(AllStderr(*child) == "SigBlk:\t0000000000000000\n");
}

TEST_CASE("a child that shall ignore the terminal's signals survives them, and no other does") {
  // The child answers after the signal only if it has survived it.
  for (const auto& [name, number] : {std::pair("INT", SIGINT), std::pair("HUP", SIGHUP)}) {
    CAPTURE(name);
    ChildOptions options = Shell(std::string("kill -") + name + " $$; echo alive >&2");
    auto mortal = Child::Start(options);
    REQUIRE(mortal);
    CHECK(AllStderr(*mortal).empty());
    CHECK(mortal->Wait().signal == number);
    options.ignore_interrupt = true;
    auto deaf = Child::Start(options);
    REQUIRE(deaf);
    CHECK(AllStderr(*deaf) == "alive\n");
  }
}

TEST_CASE("a child stays in its parent's process group") {
  auto child = Child::Start(Shell("ps -o pgid= -p $$ >&2 || cut -d' ' -f5 /proc/$$/stat >&2"));
  REQUIRE(child);
  CHECK(std::stoi(AllStderr(*child)) == getpgrp());
}

TEST_CASE("a Child that goes takes its process along") {
  pid_t pid = 0;
  {
    auto child = Child::Start(Shell("exec sleep 1000"));
    REQUIRE(child);
    pid = child->pid();
    CHECK(Alive(pid));
    CHECK_FALSE(child->Reap().has_value());
  }
  CHECK_FALSE(Alive(pid));
}

TEST_CASE("a child does not outlive a parent that is killed") {
  // In between: a process that starts a Child, says its pid, and is killed with SIGKILL.
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t parent = fork();
  REQUIRE(parent >= 0);
  if (parent == 0) {
    auto child = Child::Start({.executable = "/bin/sleep", .arguments = {"1000"}});
    const pid_t pid = child ? child->pid() : 0;
    if (write(ends[1], &pid, sizeof pid) != sizeof pid) _exit(1);
    for (;;) pause();
  }
  pid_t grandchild = 0;
  REQUIRE(read(ends[0], &grandchild, sizeof grandchild) == sizeof grandchild);
  REQUIRE(grandchild > 0);
  CHECK(Alive(grandchild));
  kill(parent, SIGKILL);
  REQUIRE(waitpid(parent, nullptr, 0) == parent);
  // It inherited the pipe's other end: the pipe ends when it does.
  close(ends[1]);
  pollfd item{ends[0], POLLIN, 0};
  CHECK(poll(&item, 1, 20000) == 1);
  char nothing = 0;
  CHECK(read(ends[0], &nothing, 1) == 0);
  close(ends[0]);
}

}  // namespace
}  // namespace millrace
