#include "broker/ledger.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <utility>

#include "common/os/atomic_file.h"
#include "common/os/unique_fd.h"

namespace millrace {
namespace {

constexpr std::size_t kWriteBytes = 256 * 1024;
constexpr std::size_t kPageBytes = 256 * 1024;
constexpr std::size_t kMaxRecordFiles = 8;

// Writes a file beside its final name, and renames it when it is whole and on disk.
class WholeFile {
 public:
  static Result<WholeFile> Create(const std::string& path) {
    WholeFile file;
    file.path_ = path;
    file.temporary_ = path + ".tmp";
    file.fd_ =
        UniqueFd(open(file.temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (!file.fd_.valid()) return millrace::Fail(file.Problem());
    return file;
  }
  WholeFile(WholeFile&& other) noexcept = default;
  WholeFile& operator=(WholeFile&&) = delete;
  ~WholeFile() {
    if (fd_.valid()) unlink(temporary_.c_str());
  }

  Result<void> Append(std::string_view bytes) {
    buffer_ += bytes;
    return buffer_.size() < kWriteBytes ? Result<void>() : Flush();
  }

  Result<void> Publish() {
    RETURN_IF_ERROR(Flush());
    if (fsync(fd_.get()) != 0) return millrace::Fail(Problem());
    if (rename(temporary_.c_str(), path_.c_str()) != 0) return millrace::Fail(Problem());
    fd_ = UniqueFd();
    return {};
  }

 private:
  WholeFile() = default;
  Result<void> Flush() {
    for (std::size_t done = 0; done < buffer_.size();) {
      const ssize_t wrote = write(fd_.get(), buffer_.data() + done, buffer_.size() - done);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return millrace::Fail(Problem());
      done += static_cast<std::size_t>(wrote);
    }
    buffer_.clear();
    return {};
  }
  [[nodiscard]] Error Problem() const {
    return {ErrorCode::kWriteFailed, "cannot write " + path_ + ": " + ErrnoText(errno)};
  }

  std::string path_;
  std::string temporary_;
  UniqueFd fd_;
  std::string buffer_;
};

Result<void> WriteLines(const std::string& path, SortedSpool& spool) {
  ASSIGN_OR_RETURN(WholeFile file, WholeFile::Create(path));
  RETURN_IF_ERROR(spool.ForEach([&](std::string_view line) -> Result<void> {
    RETURN_IF_ERROR(file.Append(line));
    return file.Append("\n");
  }));
  return file.Publish();
}

bool IsRecordName(std::string_view name) {
  return !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

Result<std::unique_ptr<RunLedger>> RunLedger::Open(std::string output,
                                                   std::string spool_directory) {
  const std::string directory = output + "/.millrace";
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return Fail(ErrorCode::kWriteFailed,
                "cannot make the folder " + directory + ": " + error.message());
  }
  Result<FileLock> lock = FileLock::Acquire(directory + "/lock");
  if (!lock) return Fail(lock.error().WithContext("another run is writing to " + output));
  for (const char* name : {"/report.json", "/failed.jsonl"}) unlink((directory + name).c_str());
  RemoveTemporaries(output);
  return std::unique_ptr<RunLedger>(
      new RunLedger(std::move(*lock), std::move(output), directory, std::move(spool_directory)));
}

Result<void> RunLedger::Add(const ItemEnded& ended, std::string_view stage) {
  switch (ended.outcome) {
    case ItemOutcome::kOk:
      return {};
    case ItemOutcome::kSkipped:
      skipped_by_[ended.code] += 1;
      return {};
    case ItemOutcome::kFailed:
      failed_by_[ended.code] += 1;
      return failures_.Add(ended.key,
                           FailureJson(ended.key, stage, ended.code, ended.text, ended.attempts));
  }
  return {};
}

Result<void> RunLedger::Add(const ItemRecorded& recorded) {
  if (!IsRecordName(recorded.name)) {
    return Fail(ErrorCode::kProtocol, "a record names the file '" + recorded.name.substr(0, 64) +
                                          "', which is not [a-z0-9-]{1,32}");
  }
  auto found = records_.find(recorded.name);
  if (found == records_.end()) {
    if (records_.size() == kMaxRecordFiles) {
      return Fail(ErrorCode::kProtocol, "a run has too many kinds of records");
    }
    found = records_.try_emplace(recorded.name, spool_directory_).first;
  }
  return found->second.Add(recorded.key, recorded.line);
}

Result<void> RunLedger::Close(RunReport& report) {
  report.failed_by = failed_by_;
  report.skipped_by = skipped_by_;
  report.warnings = warnings_;
  RETURN_IF_ERROR(WriteLines(directory_ + "/failed.jsonl", failures_));
  for (auto& [name, spool] : records_) {
    RETURN_IF_ERROR(WriteLines(directory_ + "/" + name + ".jsonl", spool));
  }
  ASSIGN_OR_RETURN(WholeFile file, WholeFile::Create(directory_ + "/report.json"));
  RETURN_IF_ERROR(file.Append(ReportJson(report)));
  RETURN_IF_ERROR(file.Publish());
  // What killed workers left half-written. One that still writes has lost its lease: its rename
  // fails, as it should.
  RemoveTemporaries(output_);
  return {};
}

Result<FailurePage> ReadFailures(const std::string& output, std::int64_t offset) {
  const std::string path = output + "/.millrace/failed.jsonl";
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Fail(ErrorCode::kUnreadable, path + ": " + ErrnoText(errno));
  std::string bytes(kPageBytes, '\0');
  const ssize_t got = pread(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
  if (got < 0) return Fail(ErrorCode::kUnreadable, path + ": " + ErrnoText(errno));
  bytes.resize(static_cast<std::size_t>(got));
  FailurePage page;
  std::size_t at = 0;
  for (std::size_t end = bytes.find('\n'); end != std::string::npos; end = bytes.find('\n', at)) {
    page.lines.push_back(bytes.substr(at, end - at));
    at = end + 1;
  }
  page.more = bytes.size() == kPageBytes;
  if (page.more && page.lines.empty()) {
    return Fail(ErrorCode::kTooLarge, path + " has a line over " + std::to_string(kPageBytes) +
                                          " bytes at " + std::to_string(offset));
  }
  return page;
}

}  // namespace millrace
