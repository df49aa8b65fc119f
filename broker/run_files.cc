#include "broker/run_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <utility>

#include "common/base/json_text.h"
#include "common/os/atomic_file.h"
#include "common/os/file_time.h"
#include "common/os/random.h"
#include "common/os/unique_fd.h"

namespace millrace {
namespace {

constexpr std::size_t kWriteBytes = 256 * 1024;
constexpr std::size_t kPageBytes = 256 * 1024;

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

// A file of lines, published where `write` has given them all.
Result<void> WriteLines(const std::string& path,
                        const std::function<Result<void>(WholeFile&)>& write) {
  ASSIGN_OR_RETURN(WholeFile file, WholeFile::Create(path));
  RETURN_IF_ERROR(write(file));
  return file.Publish();
}

Result<void> AddLine(WholeFile& file, std::string_view line) {
  RETURN_IF_ERROR(file.Append(line));
  return file.Append("\n");
}

bool IsThere(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0;
}

// Removes the file where it is still what was written for the item.
bool RemoveOutput(const std::string& output, const wire::OutputFile& file) {
  struct stat status {};
  const std::string path = output + "/" + file.path;
  const bool ours = lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
                    status.st_size == file.bytes && MtimeNs(status) == file.mtime_ns;
  return ours && unlink(path.c_str()) == 0;
}

Result<void> WriteDeleted(State& state, const std::string& directory, CloseRun& close) {
  const std::string path = directory + "/deleted.jsonl";
  unlink(path.c_str());
  RunReport& report = close.report;
  if (report.deleted == 0) return {};
  return WriteLines(path, [&](WholeFile& file) {
    return state.ForEachDeleted(report.run, [&](const ItemRow& row) {
      // The walk may have passed before it came back; where INPUT is not to be seen from here, the
      // walk's word stands.
      const bool prune = close.prune && !IsThere(report.input + "/" + row.key);
      std::string left;
      for (const wire::OutputFile& each : row.outputs) {
        if (prune) report.pruned += RemoveOutput(report.output, each);
        if (!IsThere(report.output + "/" + each.path)) continue;
        left += (left.empty() ? "\"" : ", \"") + JsonEscapeBytes(each.path) + '"';
      }
      if (prune && left.empty()) close.forget.push_back(row.key);
      return AddLine(
          file, "{\"path\": \"" + JsonEscapeBytes(row.key) + "\", \"outputs\": [" + left + "]}");
    });
  });
}

// Lists of an earlier run that this one has none of: they would pass for its own.
void RemoveOtherLists(const std::string& directory, const std::vector<std::string>& ours) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::filesystem::path& path = entry->path();
    if (path.extension() != ".jsonl") continue;
    if (std::find(ours.begin(), ours.end(), path.stem().string()) == ours.end()) {
      unlink(path.c_str());
    }
  }
}

// Of a folder that is held: drawn where it has none yet.
Result<std::string> FolderId(const std::string& directory) {
  const std::string path = directory + "/id";
  std::string id;
  std::ifstream(path) >> id;
  if (!id.empty()) return id;
  ASSIGN_OR_RETURN(const std::uint64_t number, RandomId());
  id = fmt::format("{:016x}", number);
  RETURN_IF_ERROR(WriteLines(path, [&](WholeFile& file) { return AddLine(file, id); }));
  return id;
}

}  // namespace

Result<RunFolder> RunFolder::Open(const std::string& output, bool make) {
  const std::string directory = output + "/.millrace";
  if (!make && !IsThere(directory)) {
    return Fail(ErrorCode::kNotFound, "there is no run's folder " + directory);
  }
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return Fail(ErrorCode::kWriteFailed,
                "cannot make the folder " + directory + ": " + error.message());
  }
  Result<FileLock> lock = FileLock::Acquire(directory + "/lock");
  if (!lock) return Fail(lock.error().WithContext("another run is writing to " + output));
  ASSIGN_OR_RETURN(std::string id, FolderId(directory));
  return RunFolder(std::move(*lock), std::move(id));
}

void ClearRunFolder(const std::string& output) {
  for (const char* name : {"/.millrace/report.json", "/.millrace/failed.jsonl"}) {
    unlink((output + name).c_str());
  }
  RemoveTemporaries(output);
}

void TakeSummary(const RunSummary& summary, RunReport& report) {
  const RunCounts counted = report.counts;
  report.counts = summary.counts;
  report.counts.resumed = counted.resumed;
  report.skipped_by = summary.skipped_by;
  report.failed_by = summary.counts.failed_by;
  report.warnings = summary.warnings;
  report.deleted = summary.deleted;
  const RunCounts& recorded = report.counts;
  const bool agree = counted.scanned == recorded.scanned && counted.ok == recorded.ok &&
                     counted.failed == recorded.failed && counted.skipped == recorded.skipped;
  if (agree && (report.result != RunResult::kDone || summary.open == 0)) return;
  report.result = RunResult::kFailed;
  report.reason = "the state does not agree with what was done (" +
                  std::to_string(recorded.ended()) + " outcomes of " +
                  std::to_string(recorded.scanned) + " items are recorded, " +
                  std::to_string(counted.ended()) + " of " + std::to_string(counted.scanned) +
                  " were counted): please report this; the same command does what is missing";
}

Result<void> WriteRunFiles(State& state, const std::vector<std::string>& stages, CloseRun& close) {
  RunReport& report = close.report;
  const std::string directory = report.output + "/.millrace";
  ASSIGN_OR_RETURN(const RunSummary summary, state.Summarize(report.run));
  TakeSummary(summary, report);
  RETURN_IF_ERROR(WriteDeleted(state, directory, close));
  RETURN_IF_ERROR(WriteLines(directory + "/failed.jsonl", [&](WholeFile& file) {
    return state.ForEachFailure(report.run, [&](const ItemRow& row) {
      const auto stage = static_cast<std::size_t>(row.stage);
      return AddLine(file, FailureJson(row.key, stage < stages.size() ? stages[stage] : "",
                                       row.code, row.text, row.marks.attempts));
    });
  }));
  ASSIGN_OR_RETURN(std::vector<std::string> names, state.RecordNames(report.run));
  for (const std::string& name : names) {
    RETURN_IF_ERROR(WriteLines(directory + "/" + name + ".jsonl", [&](WholeFile& file) {
      return state.ForEachRecord(report.run, name,
                                 [&](std::string_view line) { return AddLine(file, line); });
    }));
  }
  names.insert(names.end(), {"failed", "deleted"});
  RemoveOtherLists(directory, names);
  ASSIGN_OR_RETURN(WholeFile file, WholeFile::Create(directory + "/report.json"));
  RETURN_IF_ERROR(file.Append(ReportJson(report)));
  RETURN_IF_ERROR(file.Publish());
  // What killed workers left half-written. One that still writes has lost its lease: its rename
  // fails, as it should.
  RemoveTemporaries(report.output);
  return {};
}

Result<StateAnswer> CloseInState(State& state, const std::vector<std::string>& stages,
                                 CloseRun& close) {
  RunReport& report = close.report;
  if (Result<void> written = WriteRunFiles(state, stages, close); !written) {
    report.result = RunResult::kFailed;
    report.reason = written.error().message;
    close.forget.clear();  // the list of what is left was not written: the next run tries again
  }
  return RecordRunEnd(state, close);
}

Result<StateAnswer> RecordRunEnd(State& state, const CloseRun& close) {
  const RunReport& report = close.report;
  wire::RunStatus status = FinalStatus(report);
  RETURN_IF_ERROR(state.Begin());
  RETURN_IF_ERROR(state.Remove(report.run, close.forget));
  const bool done = report.result == RunResult::kDone;
  RETURN_IF_ERROR(state.Close(report.run, done ? StoredPhase::kDone : StoredPhase::kStopped, status,
                              close.now_s));
  RETURN_IF_ERROR(state.Commit());
  return StateAnswer(std::move(status));
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
