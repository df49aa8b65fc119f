#include "cli/logged_child.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <vector>

namespace millrace::cli {
namespace {

LoggedChild Shell(const std::string& script) {
  return LoggedChild::Start("fake", {.executable = "/bin/sh",
                                     .arguments = {"-c", script},
                                     .environment = {},
                                     .capture_stderr = true,
                                     .ignore_interrupt = false})
      .value();
}

// All lines of a child that ends by itself.
std::vector<std::string> LinesToTheEnd(LoggedChild& child) {
  std::vector<std::string> lines;
  bool ended = false;
  while (!ended || child.stderr_fd() >= 0) {
    pollfd fd{.fd = child.stderr_fd(), .events = POLLIN, .revents = 0};
    poll(&fd, 1, 10);
    ended = child.Reap().has_value();
    child.ReadLines([&](std::string_view line) { lines.emplace_back(line); });
  }
  return lines;
}

TEST_CASE("a child's stderr comes line by line, the last without its newline too") {
  LoggedChild child = Shell("printf 'one\\ntwo\\n\\nthree' >&2");
  CHECK(LinesToTheEnd(child) == std::vector<std::string>{"one", "two", "", "three"});
  CHECK(child.LastLine() == "three");
}

TEST_CASE("a line that comes in pieces is one line") {
  LoggedChild child = Shell("printf 'one, ' >&2; /bin/true; printf 'still\n' >&2");
  CHECK(LinesToTheEnd(child) == std::vector<std::string>{"one, still"});
}

TEST_CASE("a line that is too long comes in pieces") {
  LoggedChild child = Shell("head -c 100000 /dev/zero | tr '\\0' x; echo; echo next");
  const std::vector<std::string> lines = LinesToTheEnd(child);
  REQUIRE(lines.size() == 8);
  for (const std::string& line : lines) CHECK(line.size() <= 16 * 1024);
  CHECK(lines[6].size() == 100'000 - 6 * 16 * 1024);
  CHECK(lines[7] == "next");
}

TEST_CASE("the last line of a child that said nothing is empty") {
  LoggedChild child = Shell("exit 3");
  CHECK(LinesToTheEnd(child).empty());
  CHECK(child.LastLine().empty());
}

}  // namespace
}  // namespace millrace::cli
