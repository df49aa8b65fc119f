#include "cli/check/report_file.h"

#include <fmt/format.h>

#include <filesystem>

namespace millrace::cli {

namespace fs = std::filesystem;

Result<ReportFile> ReportFile::Create(const std::string& path) {
  std::error_code error;
  if (fs::exists(path, error) && !fs::is_regular_file(path, error)) {
    return Fail(ErrorCode::kUsage, fmt::format("--report: {} is no file", path));
  }
  const std::string absolute = fs::absolute(path).lexically_normal();
  const fs::path folder = fs::path(absolute).parent_path();
  if (!fs::is_directory(folder, error)) {
    return Fail(ErrorCode::kUsage, fmt::format("--report: there is no folder {}", folder.string()));
  }
  auto file = AtomicFile::CreateBeside(absolute);
  if (!file) return Fail(file.error().WithContext("--report"));
  return ReportFile(std::move(*file));
}

Result<void> ReportFile::AddLine(std::string_view line) {
  auto added = file_.Append(line);
  if (added) added = file_.Append("\n");
  if (!added) return Fail(added.error().WithContext("--report"));
  return {};
}

Result<void> ReportFile::Publish() {
  const auto published = file_.Publish();
  if (!published) return Fail(published.error().WithContext("--report"));
  return {};
}

}  // namespace millrace::cli
