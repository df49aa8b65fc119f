#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

namespace millrace::cli {
namespace {

constexpr std::string_view kEraseLine = "\r\x1b[K";
constexpr int kColumnsUnknown = 80;

}  // namespace

Terminal::Terminal(int fd) : fd_(fd), interactive_(isatty(fd) == 1) {}

Terminal::~Terminal() { ShowLive(""); }

int Terminal::columns() const {
  winsize size{};
  if (ioctl(fd_, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kColumnsUnknown;
  return size.ws_col;
}

void Terminal::Print(std::string_view line) {
  // One write a line, so that lines of several processes on one terminal do not mix.
  std::string bytes;
  if (!live_.empty()) bytes += kEraseLine;
  bytes += Printable(line);
  bytes += '\n';
  bytes += live_;
  Write(bytes);
}

void Terminal::ShowLive(std::string line) {
  if (!interactive_ || line == live_) return;
  live_ = std::move(line);
  Write(std::string(kEraseLine) + live_);
}

void Terminal::Write(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    // A closed or full stderr must not stop the work it only comments on.
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string Printable(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f) c = '?';
  }
  return result;
}

}  // namespace millrace::cli
