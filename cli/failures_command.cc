// millrace failures OUTPUT: what a run could not do, and why.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/terminal.h"
#include "common/base/json_text.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

struct FailuresOptions {
  std::string output;
  std::string code;
  bool json = false;
  bool null_paths = false;
};

constexpr std::size_t kWidestPath = 48;

// A text member for people; "" where the line has none.
std::string Member(std::string_view line, std::string_view name) {
  return JsonTextMember(line, name).value_or("");
}

void PrintRow(std::string_view path, std::string_view stage, std::string_view code,
              std::string_view reason) {
  fmt::print("{:<{}}  {:<12}  {:<18}  {}\n", Printable(path), kWidestPath, stage, code,
             Printable(reason));
}

int ShowFailures(const FailuresOptions& options) {
  const fs::path path = fs::path(options.output) / ".millrace" / "failed.jsonl";
  std::ifstream file(path);
  if (!file) {
    return Complain({ErrorCode::kNotFound,
                     fmt::format("cannot read {}: give the OUTPUT folder of a run that has ended",
                                 path.string())});
  }
  bool any = false;
  for (std::string line; std::getline(file, line);) {
    const std::string code = Member(line, "code");
    if (!options.code.empty() && code != options.code) continue;
    if (options.json) {
      fmt::print("{}\n", line);
    } else if (options.null_paths) {
      std::string name = Member(line, "path");
      name += '\0';
      std::fwrite(name.data(), 1, name.size(), stdout);
    } else {
      if (!any) PrintRow("PATH", "STAGE", "CODE", "REASON");
      PrintRow(Member(line, "path"), Member(line, "stage"), code, Member(line, "reason"));
    }
    any = true;
  }
  if (!any && !options.json && !options.null_paths) fmt::print(stderr, "no failures\n");
  return kExitDone;
}

}  // namespace

void AddFailuresCommand(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<FailuresOptions>();
  CLI::App* command = app.add_subcommand("failures", "List what a run could not do, and why");
  command->add_option("OUTPUT", options->output, "The run's OUTPUT folder")->required();
  command->add_option("--code", options->code, "Only this code, e.g. not-an-image")
      ->type_name("CODE");
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
  command->callback([options, &chosen] { chosen = [options] { return ShowFailures(*options); }; });
}

}  // namespace millrace::cli
