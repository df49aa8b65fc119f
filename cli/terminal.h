// stderr, shared by lines that stay and one live line (the progress bar) that is redrawn below
// them.
#pragma once

#include <string>
#include <string_view>

namespace millrace::cli {

class Terminal {
 public:
  // Writes to `fd`, which must outlive the Terminal. Whether it is a terminal is asked once.
  explicit Terminal(int fd);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] bool interactive() const { return interactive_; }
  // Of the window, now; 80 where nobody knows.
  [[nodiscard]] int columns() const;

  // A line that stays, above the live one. Control characters are replaced: file names and
  // libraries' messages must not steer the terminal.
  void Print(std::string_view line);
  // Replaces the live line; "" removes it. Ignored where the terminal is not interactive.
  void ShowLive(std::string line);

 private:
  void Write(std::string_view bytes) const;

  const int fd_;
  const bool interactive_;
  std::string live_;
};

// `text` with control characters (but tab) replaced by "?".
std::string Printable(std::string_view text);

}  // namespace millrace::cli
