// Which of a run's failures a command is about: --stage and --code.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

namespace millrace::cli {

struct FailureFilter {
  std::string stage;  // "": any
  std::string code;   // "": any

  // Whether a line of failed.jsonl is one of them.
  [[nodiscard]] bool Takes(std::string_view line) const;
};

void AddFailureFilter(CLI::App& command, FailureFilter& filter);

}  // namespace millrace::cli
