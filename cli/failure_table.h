// Failures as a table for people: a path, a stage, a code and a reason a line, cut where the
// terminal is too narrow for them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::cli {

// One line of failed.jsonl, as far as the table shows it. Bytes.
struct Failure {
  std::string path;
  std::string stage;
  std::string code;
  std::string reason;
};

Failure ReadFailure(std::string_view line);

class FailureTable {
 public:
  // `columns` are the terminal's; nullopt: it is none, and nothing is cut.
  explicit FailureTable(std::optional<int> columns);

  // Of every failure, before the first row.
  void Measure(const Failure& failure);

  [[nodiscard]] std::string Header() const;
  [[nodiscard]] std::string Row(const Failure& failure) const;
  // "3 failures: 2 empty, 1 corrupt"; "no failures".
  [[nodiscard]] std::string Total() const;

 private:
  // Of the widest cell so far, and of the column when all have been seen.
  struct Widths {
    int path = 0;
    int stage = 0;
    int code = 0;
    int reason = 0;
  };
  [[nodiscard]] Widths Fitted() const;

  const std::optional<int> columns_;
  Widths widest_;
  std::map<std::string, std::int64_t> by_code_;
};

// How many columns of a terminal a text takes: East Asian characters two, combining ones none, and
// each byte that is not UTF-8 one.
int DisplayWidth(std::string_view text);

// The end, or the beginning, of a text that is wider than so many columns, with "…" for the rest.
std::string KeepEnd(std::string_view text, int columns);
std::string KeepStart(std::string_view text, int columns);

}  // namespace millrace::cli
