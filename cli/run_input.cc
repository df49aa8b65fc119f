#include "cli/run_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "common/payload/meta.h"
#include "stages/scanner/glob.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

// Whether `inner` is `outer` or lies below it, by what the file system says they are.
bool IsWithin(const fs::path& inner, const fs::path& outer) {
  std::error_code error;
  const fs::path real_inner = fs::weakly_canonical(inner, error);
  const fs::path real_outer = fs::weakly_canonical(outer, error);
  const auto [rest_of_outer, rest_of_inner] =
      std::mismatch(real_outer.begin(), real_outer.end(), real_inner.begin(), real_inner.end());
  return rest_of_outer == real_outer.end();
}

// A list that can be read only once is copied; one in a file stays where it is.
Result<void> ResolveList(ScanRunOptions& scan, InputIs where, const std::string& list_file,
                         SpoolInterrupt* interrupt) {
  if (scan.files_from.empty()) return {};
  const bool on_stdin = scan.files_from == "-";
  if (!on_stdin) scan.files_from = AbsolutePath(scan.files_from);
  std::error_code error;
  const fs::file_status status = fs::status(scan.files_from, error);
  if (!on_stdin && (where == InputIs::kElsewhere || fs::is_regular_file(status))) return {};
  if (!on_stdin && !fs::exists(status)) {
    return Fail(ErrorCode::kNotFound, fmt::format("--files-from: no file {}", scan.files_from));
  }
  if (list_file.empty()) {
    return Fail(ErrorCode::kUsage,
                fmt::format("--files-from {}: only `millrace run` copies a list that can be read "
                            "once; here give a file that the scanner can read",
                            scan.files_from));
  }
  const auto copied = SpoolList(scan.files_from, list_file, interrupt);
  if (!copied) return Fail(copied.error().WithContext("--files-from"));
  scan.files_from = list_file;
  return {};
}

// Patterns travel one a line.
Result<void> CheckPatterns(const char* option, const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) {
    const auto parsed = Glob::Parse(pattern);
    if (!parsed) return Fail(parsed.error().WithContext(option));
    if (pattern.find('\n') != std::string::npos) {
      return Fail(ErrorCode::kUsage,
                  fmt::format("{}: a pattern cannot hold a newline; write ? for it", option));
    }
  }
  return {};
}

// All of them travel in one request, which has its bounds.
Result<std::string> EncodeWithinBounds(const ScanRunOptions& scan) {
  Meta options;
  scan.WriteTo(options);
  std::string encoded = options.Encode();
  if (encoded.size() <= kMaxMetaBytes) return encoded;
  const auto bytes = [&options](std::string_view name) { return options.Text(name).size(); };
  const std::size_t include = bytes(kIncludeOption);
  const std::size_t exclude = bytes(kExcludeOption);
  return Fail(
      ErrorCode::kUsage,
      fmt::format("{}: {} bytes of patterns are more than one run can carry, which is "
                  "{}; name the files in a list for --files-from",
                  include > exclude ? "--include" : "--exclude", include + exclude, kMaxMetaBytes));
}

Result<void> CheckPlaces(const fs::path& input, const fs::path& output) {
  if (IsWithin(input, output)) {
    return Fail(ErrorCode::kUsage,
                fmt::format("OUTPUT {} is INPUT, or a folder above it: results would lie among the "
                            "originals or replace them; choose another folder",
                            output.string()));
  }
  std::error_code error;
  if (fs::exists(output, error) && !fs::is_directory(output, error)) {
    return Fail(ErrorCode::kUsage, fmt::format("OUTPUT {} is no folder", output.string()));
  }
  return {};
}

CLI::Option* AddLimitOption(CLI::App& command, const std::string& name, FailureLimit& limit,
                            Result<FailureLimit> (*parse)(std::string_view),
                            const std::string& help) {
  const auto check = [parse](const std::string& text) {
    const auto parsed = parse(text);
    return parsed ? "" : parsed.error().message;
  };
  return command
      .add_option_function<std::string>(
          name, [&limit, parse](const std::string& text) { limit = *parse(text); }, help)
      ->check(CLI::Validator(check, ""));
}

}  // namespace

void AddInputOptions(CLI::App& command, InputSelection& input) {
  command.add_option("INPUT", input.input, "The folder to read, with its sub-folders; or one file")
      ->required();
  command
      .add_option("OUTPUT", input.output,
                  "The folder for the results; made where it is missing. May lie inside INPUT")
      ->required();
  const std::string filters = "What is taken from INPUT";
  command
      .add_option("--files-from", input.scan.files_from,
                  "Only the files of this list, one path a line, absolute or relative to INPUT; in "
                  "UTF-16 with its byte order mark too; - reads the list from stdin")
      ->type_name("FILE|-")
      ->group(filters);
  command
      .add_flag("-0,--null", input.scan.files_from_nul,
                "The paths of --files-from are ended by null bytes, as find -print0 writes them")
      ->group(filters);
  command
      .add_option("--include", input.scan.include,
                  "Only files that match, e.g. '*.jpg' or '2024/**'; may be repeated")
      ->type_name("GLOB")
      ->allow_extra_args(false)
      ->group(filters);
  command
      .add_option("--exclude", input.scan.exclude,
                  "No files or folders that match; wins over --include; may be repeated")
      ->type_name("GLOB")
      ->allow_extra_args(false)
      ->group(filters);
  command.add_flag("--no-default-excludes", input.scan.no_default_excludes, kNoDefaultExcludesHelp)
      ->group(filters);
  CLI::Option* limit = command
                           .add_option("--limit", input.scan.limit,
                                       "The first N images, in the order of their paths")
                           ->type_name("N")
                           ->check(CLI::PositiveNumber.description(""))
                           ->group(filters);
  command
      .add_option("--sample", input.scan.sample,
                  "N images spread evenly over INPUT, the same ones each time")
      ->type_name("N")
      ->check(CLI::PositiveNumber.description(""))
      ->excludes(limit)
      ->group(filters);
  command
      .add_flag("--follow-symlinks", input.scan.follow_symlinks,
                "Follow symbolic links that lead out of INPUT too")
      ->group(filters);
  AddLimitOption(command, "--stop-at", input.stop_at, ParseStopLimit,
                 "Give up (exit 3) once so many images have failed, or such a share of those "
                 "processed, counted from 100 on")
      ->type_name("N|P%");
  const std::string earlier = "What an earlier run has done already";
  CLI::Option* fresh = command
                           .add_flag("--fresh", input.fresh,
                                     "Do everything again: nothing that was done before counts")
                           ->group(earlier);
  command
      .add_flag("--checksum", input.scan.checksum,
                "Tell a changed file by its content, not by its size and time of change: reads "
                "every file")
      ->group(earlier);
  command
      .add_flag("--verify-outputs", input.verify_outputs,
                "Do again what has no output any more, or one that was changed since")
      ->excludes(fresh)
      ->group(earlier);
  command
      .add_flag("--prune", input.prune,
                "Remove the outputs of files that are no longer in INPUT (else they are listed)")
      ->group(earlier);
}

void AddVerdictOptions(CLI::App& command, Verdict& verdict) {
  AddLimitOption(command, "--fail-on", verdict.fail_on, ParseFailureLimit,
                 "Exit 1 where so many images failed, or such a share of those processed "
                 "(default: any)")
      ->type_name("any|N|P%|never");
  command.add_flag("--allow-empty", verdict.allow_empty,
                   "Exit 0, not 2, where INPUT holds no images");
}

std::string AbsolutePath(const std::string& written) {
  const fs::path path = fs::absolute(written).lexically_normal();
  return path.has_filename() || !path.has_relative_path() ? path : path.parent_path();
}

Result<wire::Submit> MakeSubmit(const InputSelection& input, InputIs where,
                                const std::string& list_file, SpoolInterrupt* interrupt) {
  fs::path from = AbsolutePath(input.input);
  const fs::path to = AbsolutePath(input.output);
  ScanRunOptions scan = input.scan;
  std::error_code error;
  if (where == InputIs::kHere && !fs::exists(from, error)) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("INPUT {} does not exist: give a folder of images, or one file",
                            from.string()));
  }
  if (fs::is_regular_file(from, error)) {
    scan.only = from.filename().string();
    from = from.parent_path();
  }
  RETURN_IF_ERROR(CheckPlaces(from, to));
  RETURN_IF_ERROR(CheckPatterns("--include", scan.include));
  RETURN_IF_ERROR(CheckPatterns("--exclude", scan.exclude));
  Meta asked;
  scan.WriteTo(asked);
  RETURN_IF_ERROR(ScanRunOptions::ReadFrom(asked));
  // Last: a list that is being made is waited for.
  RETURN_IF_ERROR(ResolveList(scan, where, list_file, interrupt));
  ASSIGN_OR_RETURN(std::string options, EncodeWithinBounds(scan));
  return wire::Submit{.input = from.string(),
                      .output = to.string(),
                      .options = std::move(options),
                      .stop_at_failures = input.stop_at.count,
                      .stop_at_share = input.stop_at.share,
                      .fresh = input.fresh,
                      .verify_outputs = input.verify_outputs,
                      .prune = input.prune};
}

}  // namespace millrace::cli
