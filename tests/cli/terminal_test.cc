#include "cli/terminal.h"

#include <doctest/doctest.h>
#include <pty.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/os/unique_fd.h"

namespace millrace::cli {
namespace {

struct Pty {
  UniqueFd master;
  UniqueFd slave;

  Pty() {
    winsize size{.ws_row = 24, .ws_col = 61, .ws_xpixel = 0, .ws_ypixel = 0};
    int master_fd = -1;
    int slave_fd = -1;
    REQUIRE(openpty(&master_fd, &slave_fd, nullptr, nullptr, &size) == 0);
    master = UniqueFd(master_fd);
    slave = UniqueFd(slave_fd);
  }

  // All that was written so far: there is some, so this does not wait.
  [[nodiscard]] std::string Read() const {
    std::array<char, 4096> bytes{};
    const ssize_t size = read(master.get(), bytes.data(), bytes.size());
    return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  }
};

TEST_CASE("a line is printed above the live line, which is drawn again") {
  const Pty pty;
  Terminal terminal(pty.slave.get());
  REQUIRE(terminal.interactive());
  terminal.ShowLive("50%");
  CHECK(pty.Read() == "\r\x1b[K50%");
  terminal.Print("a warning");
  CHECK(pty.Read() == "\r\x1b[Ka warning\r\n50%");
  terminal.ShowLive("");
  CHECK(pty.Read() == "\r\x1b[K");
}

TEST_CASE("the width is that of the window") {
  const Pty pty;
  CHECK(Terminal(pty.slave.get()).columns() == 61);
}

TEST_CASE("there is no live line where nobody looks") {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  Terminal terminal(writer.get());
  CHECK_FALSE(terminal.interactive());
  terminal.ShowLive("50%");
  terminal.Print("done");
  std::array<char, 64> bytes{};
  const ssize_t size = read(reader.get(), bytes.data(), bytes.size());
  CHECK(std::string(bytes.data(), static_cast<std::size_t>(size)) == "done\n");
}

TEST_CASE("a file name cannot steer the terminal") {
  CHECK(Printable("a\x1b[2J\r\nb\x7f\tc") == "a?[2J??b?\tc");
}

}  // namespace
}  // namespace millrace::cli
