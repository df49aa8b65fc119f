#include "cli/check/check_target.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "cli/check/stream_output.h"
#include "tests/cli/temp_folder.h"

namespace millrace::cli {
namespace {

using Files = std::set<std::string>;

TEST_CASE("several files are one target, whatever folders they are in; a folder is its own") {
  const TempFolder folder;
  const std::string a = folder.Write("x/a.jpg", "");
  const std::string b = folder.Write("x/y/b.jpg", "");
  const std::string c = folder.Write("z/c.jpg", "");
  const auto targets = TargetsOf({a, folder.path(), b, c});
  REQUIRE(targets.size() == 2);
  CHECK(targets[0].input == folder.path());
  CHECK(targets[0].files == Files{"x/a.jpg", "x/y/b.jpg", "z/c.jpg"});
  CHECK(targets[0].Name() == a + " and 2 other files");
  CHECK(targets[1].input == folder.path());
  CHECK(targets[1].files.empty());
  CHECK(TargetsOf({a, b})[0].input == folder / "x");
  CHECK(TargetsOf({a, b})[0].files == Files{"a.jpg", "y/b.jpg"});
}

TEST_CASE("one file is a target as it was given") {
  const TempFolder folder;
  const std::string a = folder.Write("a.jpg", "");
  REQUIRE(TargetsOf({a}).size() == 1);
  CHECK(TargetsOf({a})[0].input == a);
  CHECK(TargetsOf({a})[0].files.empty());
}

TEST_CASE("of several files each verdict is told of the folder that its file is in") {
  const CheckTarget target{"/p", {"x/a.jpg", "b.jpg"}};
  const auto told = target.AsAsked({.path = "x/a.jpg", .input = "/p", .code = "ok"});
  REQUIRE(told);
  CHECK(told->input == "/p/x");
  CHECK(told->path == "a.jpg");
  CHECK(!target.AsAsked({.path = "x/other.jpg", .input = "/p", .code = "ok"}));
  CHECK(CheckTarget{"/p", {}}.AsAsked({.path = "x/other.jpg", .input = "/p", .code = "ok"}));
}

// A pipe of which nobody has read.
struct Pipe {
  Pipe() { REQUIRE(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0); }
  ~Pipe() {
    close(ends[0]);
    close(ends[1]);
  }
  [[nodiscard]] std::string Read() const {
    std::string text(1 << 20, '\0');
    const ssize_t size = read(ends[0], text.data(), text.size());
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
  }
  std::array<int, 2> ends{};
};

wire::EndedItem Bad(const std::string& path) {
  return {path, "", "",
          R"({"path": ")" + path + R"(", "code": "truncated", "detail": "why", "bytes": 70})"};
}

TEST_CASE("a verdict is printed once, as it comes, and what is sound is not") {
  const Pipe out;
  StreamOutput stream({.stream = true}, false, out.ends[1]);
  stream.Begin({"/p", {}}, "/p");
  CHECK(stream.Take(Bad("a")) == 70);
  CHECK(stream.Take({"b", "", "", R"({"path": "b", "code": "ok", "bytes": 5})"}) == 5);
  CHECK(stream.Take({"c", "empty", "the file is empty", ""}) == 0);
  CHECK(stream.Take({"d", "", "", "no verdict"}) == 0);
  stream.Take(Bad("a"));
  CHECK(stream.Ready().value());
  CHECK(out.Read() == "a: truncated: why\nc: empty: the file is empty\n");
  CHECK(stream.Printed({.path = "a", .input = "/p"}));
  CHECK(!stream.Printed({.path = "b", .input = "/p"}));
}

TEST_CASE("without --stream nothing is printed, and the bytes are counted") {
  const Pipe out;
  StreamOutput stream({}, false, out.ends[1]);
  stream.Begin({"/p", {}}, "/p");
  CHECK(stream.Take(Bad("a")) == 70);
  CHECK(stream.Ready().value());
  CHECK(out.Read().empty());
  CHECK(!stream.Printed({.path = "a", .input = "/p"}));
}

TEST_CASE("a reader that takes nothing is not waited for, and one that is gone is an error") {
  Pipe out;
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  StreamOutput stream({.stream = true}, false, out.ends[1]);
  stream.Begin({"/p", {}}, "/p");
  bool ready = true;
  for (int i = 0; ready; ++i) {
    REQUIRE(i < 100);
    for (int j = 0; j < 1000; ++j) {
      stream.Take(Bad(std::string(100, 'x') + std::to_string(i * 1000 + j)));
    }
    ready = stream.Ready().value();
  }
  close(out.ends[0]);
  out.ends[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const auto broken = stream.Ready();
  std::signal(SIGPIPE, before);
  REQUIRE(!broken);
  CHECK(broken.error().message == "cannot write to stdout: Broken pipe");
}

}  // namespace
}  // namespace millrace::cli
