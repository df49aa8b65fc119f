#include "broker/run_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <utility>

#include "common/base/json_text.h"
#include "common/base/path_below.h"
#include "common/os/atomic_file.h"
#include "common/os/dir_entry.h"
#include "common/os/unique_fd.h"
#include "common/wire/paths.h"
#include "common/wire/token.h"

namespace millrace {
namespace {

constexpr std::size_t kPageBytes = 256 * 1024;
constexpr std::string_view kFolder = ".millrace/";

// OUTPUT/.millrace/NAME, published where `write` has given all of it.
Result<void> WriteFile(const std::string& output, const std::string& name,
                       const std::function<Result<void>(AtomicFile&)>& write) {
  ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(output, std::string(kFolder) + name));
  RETURN_IF_ERROR(write(file));
  RETURN_IF_ERROR(file.Publish());
  return {};
}

Result<void> AddLine(AtomicFile& file, std::string_view line) {
  RETURN_IF_ERROR(file.Append(line));
  RETURN_IF_ERROR(file.Append("\n"));
  return {};
}

bool IsThere(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0;
}

// Removes the file where it is still what was written for the item, and lies below OUTPUT without a
// link on the way.
bool RemoveOutput(const std::string& output, const wire::OutputFile& file) {
  if (!wire::IsOutputPath(file.path)) return false;
  const OsResult<DirEntry> place = OpenDirEntry(output, file.path);
  if (!place) return false;
  const OsResult<struct stat> status = place->Look();
  return status && S_ISREG(status->st_mode) &&
         StampOf(*status) == FileStamp{file.bytes, file.mtime_ns} &&
         unlinkat(place->folder.get(), place->name.c_str(), 0) == 0;
}

// Whether an output is left of an item whose input is gone. A state of an earlier millrace may name
// files that are not below OUTPUT: those are nobody's to look at.
bool IsLeft(const std::string& output, const wire::OutputFile& file) {
  return wire::IsOutputPath(file.path) && IsThere(output + "/" + file.path);
}

// Whether the input is gone, as far as that can be told from here. Where its key is no path, its
// outputs cannot be known to be anything's.
bool InputIsGone(const std::string& input, const ItemRow& row) {
  return IsPathBelow(row.key) ? !IsThere(input + "/" + row.key) : row.outputs.empty();
}

Result<void> WriteDeleted(State& state, CloseRun& close) {
  RunReport& report = close.report;
  unlink((report.output + "/.millrace/deleted.jsonl").c_str());
  if (report.deleted == 0) return {};
  return WriteFile(report.output, "deleted.jsonl", [&](AtomicFile& file) {
    return state.ForEachDeleted(report.run, [&](const ItemRow& row) {
      // The walk may have passed before it came back; where INPUT is not to be seen from here, the
      // walk's word stands.
      const bool prune = close.prune && InputIsGone(report.input, row);
      std::string left;
      for (const wire::OutputFile& each : row.outputs) {
        if (prune) report.pruned += RemoveOutput(report.output, each);
        if (!IsLeft(report.output, each)) continue;
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

}  // namespace

void TakeSummary(const RunSummary& summary, const std::vector<std::string>& stages,
                 RunReport& report) {
  const RunCounts counted = report.counts;
  report.counts = summary.counts;
  report.counts.resumed = counted.resumed;
  report.skipped_by = summary.skipped_by;
  report.failed_by = summary.counts.failed_by;
  report.warnings = summary.warnings;
  report.deleted = summary.deleted;
  if (summary.nothing_counts) {
    report.nothing_resumed = NothingResumedText(*summary.nothing_counts, stages, report.input);
  }
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
  TakeSummary(summary, stages, report);
  RETURN_IF_ERROR(WriteDeleted(state, close));
  RETURN_IF_ERROR(WriteFile(report.output, "failed.jsonl", [&](AtomicFile& file) {
    return state.ForEachFailure(report.run, [&](const ItemRow& row) {
      const auto stage = static_cast<std::size_t>(row.stage);
      return AddLine(file, FailureJson(row.key, stage < stages.size() ? stages[stage] : "",
                                       row.code, row.text, row.marks.attempts));
    });
  }));
  ASSIGN_OR_RETURN(std::vector<std::string> names, state.RecordNames(report.run));
  for (const std::string& name : names) {
    if (!wire::IsRecordName(name)) continue;  // of an old or a changed state
    RETURN_IF_ERROR(WriteFile(report.output, name + ".jsonl", [&](AtomicFile& file) {
      return state.ForEachRecord(report.run, name,
                                 [&](std::string_view line) { return AddLine(file, line); });
    }));
  }
  names.insert(names.end(), {"failed", "deleted"});
  RemoveOtherLists(directory, names);
  RETURN_IF_ERROR(WriteFile(report.output, "report.json", [&](AtomicFile& file) -> Result<void> {
    RETURN_IF_ERROR(file.Append(ReportJson(report)));
    return {};
  }));
  // What killed workers left half-written. One that still writes has lost its lease: its rename
  // fails, as it should.
  RemoveTemporaries(report.output);
  return {};
}

Result<StateAnswer> CloseInState(State& state, const std::vector<std::string>& stages,
                                 CloseRun& close) {
  RunReport& report = close.report;
  if (close.no_folder) {
    ASSIGN_OR_RETURN(const RunSummary summary, state.Summarize(report.run));
    TakeSummary(summary, stages, report);
    report.result = RunResult::kFailed;
    report.reason = close.no_folder->message;
  } else if (Result<void> written = WriteRunFiles(state, stages, close); !written) {
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
  // Whoever may ask may have put something else in its place: no link is followed, no FIFO waited
  // for.
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!fd.valid() || fstat(fd.get(), &status) != 0) {
    return Fail(ErrorCode::kUnreadable, path + ": " + ErrnoText(errno));
  }
  if (!S_ISREG(status.st_mode)) return Fail(ErrorCode::kUnreadable, path + " is not a file");
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
