#include "cli/check/check_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "cli/run_input.h"
#include "common/base/sha256.h"
#include "common/os/atomic_file.h"
#include "common/os/temp_dir.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHashBytes = 8;         // 16 digits
constexpr std::size_t kMaxName = 64;          // of an INPUT, in its state's name
constexpr const char* kWhereLevel = "level";  // the parameter of config/check.yaml

// The folder and its lock, so that no other check puts its verdicts in place of ours.
Result<FileLock> OwnFolder(const std::string& output, const std::string& input) {
  const std::string inside = output + "/.millrace";
  if (const auto made = MakeFolders(inside); !made) {
    return Fail(ErrorCode::kWriteFailed,
                fmt::format("cannot keep the verdicts in {}: {}; --state names another folder",
                            output, made.error().message));
  }
  auto lock = FileLock::Acquire(inside + "/check.lock");
  if (!lock) return Fail(lock.error().WithContext("another check of " + input + " is going on"));
  return lock;
}

}  // namespace

Result<CheckedInput> CheckInput(SignalFd& signals, const CheckRunOptions& options,
                                const CheckTarget& target, StreamOutput& stream,
                                Terminal& terminal) {
  const std::string& absolute = target.input;
  std::string state = options.state.empty() ? "" : AbsolutePath(options.state);
  if (state.empty()) {
    ASSIGN_OR_RETURN(state, DefaultStateFolder());
  }
  const auto level = options.choice.parameters.find(kWhereLevel);
  ASSIGN_OR_RETURN(const std::string output,
                   CheckFolder(state, absolute,
                               level == options.choice.parameters.end() ? "decode" : level->second,
                               target.files.empty() ? "" : "files"));

  InputSelection run{.input = absolute, .output = output, .fresh = options.recheck};
  run.scan.no_default_excludes = options.no_default_excludes;
  if (const std::string pattern = PatternFor(options.quarantine, absolute); !pattern.empty()) {
    run.scan.exclude.push_back(pattern);
  }
  ASSIGN_OR_RETURN(const TempDir dir, TempDir::Create());
  if (!target.files.empty()) {
    run.scan.files_from = dir.path() + "/files";
    run.scan.files_from_nul = true;
    RETURN_IF_ERROR(target.WriteList(run.scan.files_from));
  }
  ASSIGN_OR_RETURN(const wire::Submit submit, MakeSubmit(run, InputIs::kHere, ""));
  ASSIGN_OR_RETURN(Topology topology, LoadChosen(options.choice, dir.path()));
  topology.broker.state = output + "/.millrace";

  ASSIGN_OR_RETURN(FileLock lock, OwnFolder(output, target.Name()));
  // A run that judges no file leaves the list of the one before where it is.
  unlink((output + "/.millrace/verdicts.jsonl").c_str());
  stream.Begin(target, submit.input);
  ASSIGN_OR_RETURN(SessionEnd end, RunToEnd(signals, dir,
                                            {.topology = std::move(topology),
                                             .request = submit,
                                             .on_accepted = [] { return Result<void>(); },
                                             .remark_details = "",
                                             .how_to_go_on = "",
                                             .ended = &stream},
                                            options.local, terminal));
  return CheckedInput{target, submit.input, output, std::move(lock), std::move(end)};
}

Result<std::string> DefaultStateFolder() {
  // The XDG Base Directory Specification: a relative path is to be ignored.
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/') {
    return std::string(state) + "/millrace";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return std::string(home) + "/.local/state/millrace";
  }
  return Fail(ErrorCode::kUsage,
              "there is no home folder to keep the verdicts in: give --state DIR");
}

Result<std::string> CheckFolder(const std::string& state, const std::string& input,
                                const std::string& level, const std::string& kind) {
  const std::string hashed = kind.empty() ? input : input + '\0' + kind;
  ASSIGN_OR_RETURN(const std::string hash, Sha256(std::string_view(hashed)));
  std::string name = fs::path(input).filename().string().substr(0, kMaxName);
  if (name.empty()) name = "root";
  return fmt::format("{}/check/{}-{}/{}", state, name, Hex(hash.substr(0, kHashBytes)), level);
}

std::string PatternFor(const std::string& folder, const std::string& input) {
  if (folder.empty()) return "";
  std::error_code error;
  const fs::path inner = fs::canonical(folder, error);
  if (error) return "";
  const fs::path outer = fs::canonical(input, error);
  if (error) return "";
  const std::string below = inner.lexically_relative(outer).string();
  if (below.empty() || below == "." || below == ".." || below.starts_with("../")) return "";
  std::string pattern = "/";
  for (const char c : below) {
    if (std::string_view("*?[]\\!").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c == '\n' ? '?' : c;  // patterns travel one a line
  }
  return pattern + '/';
}

}  // namespace millrace::cli
