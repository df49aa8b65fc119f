// millrace failures OUTPUT: what a run could not do, and why.

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/failure_filter.h"
#include "cli/failure_table.h"
#include "cli/terminal.h"
#include "common/base/json_text.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

struct FailuresOptions {
  std::string output;
  FailureFilter filter;
  bool json = false;
  bool null_paths = false;
};

// Gives each line that the filter takes to `take`, in the order of their paths.
Result<void> ForEach(const FailuresOptions& options,
                     const std::function<void(const std::string& line)>& take) {
  const fs::path path = fs::path(options.output) / ".millrace" / "failed.jsonl";
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("cannot read {}: give the OUTPUT folder of a run that has ended",
                            path.string()));
  }
  for (std::string line; std::getline(file, line);) {
    if (options.filter.Takes(line)) take(line);
  }
  return {};
}

Result<void> ShowTable(const FailuresOptions& options) {
  const Terminal out(STDOUT_FILENO);
  FailureTable table(out.interactive() ? std::optional(out.columns()) : std::nullopt);
  bool any = false;
  RETURN_IF_ERROR(ForEach(options, [&](const std::string& line) {
    table.Measure(ReadFailure(line));
    any = true;
  }));
  if (any) fmt::print("{}\n", table.Header());
  RETURN_IF_ERROR(ForEach(
      options, [&](const std::string& line) { fmt::print("{}\n", table.Row(ReadFailure(line))); }));
  std::fflush(stdout);
  Terminal(STDERR_FILENO).Print(table.Total());
  return {};
}

Result<void> ShowFailures(const FailuresOptions& options) {
  if (!options.json && !options.null_paths) return ShowTable(options);
  return ForEach(options, [&](const std::string& line) {
    const std::string text =
        options.json ? line + '\n' : JsonTextMember(line, "path").value_or("") + '\0';
    std::fwrite(text.data(), 1, text.size(), stdout);
  });
}

}  // namespace

void AddFailuresCommand(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<FailuresOptions>();
  CLI::App* command = app.add_subcommand("failures", "List what a run could not do, and why");
  command->add_option("OUTPUT", options->output, "The run's OUTPUT folder")->required();
  AddFailureFilter(*command, options->filter);
  CLI::Option* json =
      command->add_flag("--json", options->json, "The lines of failed.jsonl as they are");
  command
      ->add_flag("-0,--null", options->null_paths,
                 "Only the paths, each ended by a null byte: for xargs -0, or --files-from with -0")
      ->excludes(json);
  command->footer(
      "Examples:\n"
      "  millrace failures out\n"
      "  millrace failures out --json | jq -r .path\n"
      "  millrace failures out -0 --code not-an-image | (cd photos && xargs -0 rm --)");
  command->callback([options, &chosen] {
    chosen = [options] {
      const Result<void> shown = ShowFailures(*options);
      return shown ? kExitDone : PrintError(shown.error());
    };
  });
}

}  // namespace millrace::cli
