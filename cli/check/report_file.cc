#include "cli/check/report_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "common/os/atomic_file.h"
#include "common/os/random.h"

namespace millrace::cli {

namespace fs = std::filesystem;

Result<ReportFile> ReportFile::Create(const std::string& path) {
  std::error_code error;
  if (fs::exists(path, error) && !fs::is_regular_file(path, error)) {
    return Fail(ErrorCode::kUsage, fmt::format("--report: {} is no file", path));
  }
  ReportFile report;
  report.path_ = fs::absolute(path).lexically_normal();
  const fs::path folder = fs::path(report.path_).parent_path();
  if (!fs::is_directory(folder, error)) {
    return Fail(ErrorCode::kUsage, fmt::format("--report: there is no folder {}", folder.string()));
  }
  ASSIGN_OR_RETURN(const std::uint64_t id, RandomId());
  const std::string unfinished = folder / fmt::format(".millrace-{:016x}.part", id);
  const int fd = open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return Fail(report.Cannot("write", errno));
  report.unfinished_ = unfinished;
  report.file_.reset(fdopen(fd, "w"));
  return report;
}

ReportFile::~ReportFile() {
  if (file_ != nullptr) unlink(unfinished_.c_str());
}

Result<void> ReportFile::AddLine(std::string_view line) {
  if (std::fwrite(line.data(), 1, line.size(), file_.get()) != line.size() ||
      std::putc('\n', file_.get()) == EOF) {
    return Fail(Cannot("write", errno));
  }
  return {};
}

Result<void> ReportFile::Publish() {
  if (std::fflush(file_.get()) != 0 || fsync(fileno(file_.get())) != 0) {
    return Fail(Cannot("write", errno));
  }
  if (rename(unfinished_.c_str(), path_.c_str()) != 0) return Fail(Cannot("rename", errno));
  file_.reset();
  if (const auto synced = SyncFolder(fs::path(path_).parent_path()); !synced) {
    return Fail(static_cast<const Error&>(synced.error()));
  }
  return {};
}

Error ReportFile::Cannot(const char* what, int error_number) const {
  return {ErrorCode::kWriteFailed,
          fmt::format("cannot {} the report {}: {}", what, path_, ErrnoText(error_number))};
}

}  // namespace millrace::cli
