#include "cli/check/check_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

// The folder that all of them are in, however deep.
fs::path CommonFolder(const std::vector<std::string>& files) {
  fs::path common = fs::path(files.front()).parent_path();
  for (const std::string& file : files) {
    const fs::path folder = fs::path(file).parent_path();
    fs::path shared;
    for (auto [a, b] = std::pair(common.begin(), folder.begin());
         a != common.end() && b != folder.end() && *a == *b; ++a, ++b) {
      shared /= *a;
    }
    common = shared;
  }
  return common;
}

}  // namespace

std::string CheckTarget::Name() const {
  if (files.empty()) return input;
  return fmt::format("{} and {} other {}", (fs::path(input) / *files.begin()).string(),
                     files.size() - 1, files.size() == 2 ? "file" : "files");
}

std::optional<FileVerdict> CheckTarget::AsAsked(FileVerdict verdict) const {
  if (files.empty()) return verdict;
  if (!files.contains(verdict.path)) return std::nullopt;
  const fs::path whole = fs::path(verdict.input) / verdict.path;
  verdict.input = whole.parent_path().string();
  verdict.path = whole.filename().string();
  return verdict;
}

Result<void> CheckTarget::WriteList(const std::string& path) const {
  std::ofstream list(path, std::ios::binary);
  for (const std::string& file : files) list << file << '\0';
  list.close();
  if (!list) return Fail(ErrorCode::kWriteFailed, "cannot write " + path);
  return {};
}

std::vector<CheckTarget> TargetsOf(const std::vector<std::string>& inputs) {
  std::vector<std::string> files;
  for (const std::string& input : inputs) {
    std::error_code error;
    if (!fs::is_directory(input, error)) files.push_back(input);
  }
  std::vector<CheckTarget> targets;
  if (files.size() < 2) {
    for (const std::string& input : inputs) targets.push_back({input, {}});
    return targets;
  }
  CheckTarget together{CommonFolder(files).string(), {}};
  for (const std::string& file : files) {
    together.files.insert(fs::path(file).lexically_relative(together.input).string());
  }
  for (const std::string& input : inputs) {
    const bool is_file = std::find(files.begin(), files.end(), input) != files.end();
    if (input == files.front()) targets.push_back(together);
    if (!is_file) targets.push_back({input, {}});
  }
  return targets;
}

}  // namespace millrace::cli
