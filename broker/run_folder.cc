#include "broker/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>

#include "broker/report.h"
#include "common/base/json_text.h"
#include "common/base/path_below.h"
#include "common/os/atomic_file.h"
#include "common/os/dir_entry.h"
#include "common/os/file_time.h"
#include "common/os/random.h"
#include "common/os/unique_fd.h"
#include "common/wire/paths.h"

namespace millrace {
namespace {

constexpr std::string_view kFolder = ".millrace/";
constexpr std::size_t kPageBytes = 256 * 1024;

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

// "" where the folder has none.
std::string ReadId(const std::string& output) {
  std::string id;
  std::ifstream(output + "/.millrace/id") >> id;
  return id;
}

Result<std::string> DrawId(const std::string& output) {
  ASSIGN_OR_RETURN(const std::uint64_t number, RandomId());
  const std::string id = fmt::format("{:016x}", number);
  RETURN_IF_ERROR(WriteFile(output, "id", [&](AtomicFile& file) { return AddLine(file, id); }));
  return id;
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
bool InputIsGone(const std::string& input, const ListedItem& item) {
  return IsPathBelow(item.key) ? !IsThere(input + "/" + item.key) : item.outputs.empty();
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

Error AnotherFolder(const std::string& output) {
  return {ErrorCode::kNotFound,
          output + " is another folder than the one that the run has written to"};
}

Result<FileLock> Lock(const std::string& output, bool make) {
  const std::string directory = output + "/.millrace";
  if (!make && !IsThere(directory)) {
    return Fail(ErrorCode::kNotFound, "there is no run's folder " + directory);
  }
  if (std::filesystem::is_symlink(std::filesystem::symlink_status(directory))) {
    return Fail(ErrorCode::kUsage,
                directory +
                    " is a symbolic link, and the files that a run replaces and removes there "
                    "would be somebody else's: remove it (--state DIR puts the state on "
                    "another disk)");
  }
  RETURN_IF_ERROR(MakeFolders(directory));
  // Whoever has made OUTPUT: what a run leaves in it must not be lost with its own name.
  RETURN_IF_ERROR(SyncFolder(output));
  const auto synced = SyncFolder(std::filesystem::path(output).parent_path());
  if (!synced && synced.error().error_number != EACCES) return Fail(synced.error());
  Result<FileLock> lock = FileLock::Acquire(directory + "/lock");
  if (!lock) return Fail(lock.error().WithContext("another run is writing to " + output));
  return lock;
}

}  // namespace

Result<FolderAnswer> RunFolder::Execute(FolderRequest& request) {
  return std::visit([&](auto& what) { return Do(what); }, request);
}

Result<FolderAnswer> RunFolder::Do(const HoldFolder& hold) {
  lock_.reset();
  ASSIGN_OR_RETURN(FileLock lock, Lock(output_, hold.make));
  std::string id = ReadId(output_);
  if (hold.id && id != *hold.id) return Fail(AnotherFolder(output_));
  if (id.empty()) {
    ASSIGN_OR_RETURN(id, DrawId(output_));
  }
  RemoveTemporaries(output_);
  lock_ = std::move(lock);
  id_ = id;
  return FolderHeld{std::move(id)};
}

Result<FolderAnswer> RunFolder::Do(const ReleaseFolder&) {
  list_.reset();
  lock_.reset();
  return FolderAnswer();
}

Result<FolderAnswer> RunFolder::Do(const ClearReport&) {
  for (const char* name : {"/.millrace/report.json", "/.millrace/failed.jsonl"}) {
    unlink((output_ + name).c_str());
  }
  return FolderAnswer();
}

Result<FolderAnswer> RunFolder::Do(const FindCopies& find) const {
  FoundCopies copies;
  struct stat here {};
  if (stat((output_ + "/.millrace/id").c_str(), &here) != 0) return copies;
  for (const std::string& place : find.places) {
    struct stat there {};
    const bool is_copy = ReadId(place) == id_ &&
                         stat((place + "/.millrace/id").c_str(), &there) == 0 &&
                         (there.st_dev != here.st_dev || there.st_ino != here.st_ino);
    if (is_copy) copies.places.insert(place);
  }
  return copies;
}

Result<FolderAnswer> RunFolder::Do(const FindLost& find) const {
  LostOutputs lost;
  for (const wire::OutputFile& file : find.files) {
    struct stat status {};
    const bool stands = wire::IsOutputPath(file.path) &&
                        lstat((output_ + "/" + file.path).c_str(), &status) == 0 &&
                        status.st_size == file.bytes && MtimeNs(status) == file.mtime_ns;
    if (!stands) lost.stamps.insert(StampOfOutput(file));
  }
  return lost;
}

Result<FolderAnswer> RunFolder::Do(const BeginReport&) {
  list_.reset();
  if (!held() || ReadId(output_) != id_) return Fail(AnotherFolder(output_));
  unlink((output_ + "/.millrace/deleted.jsonl").c_str());
  return FolderAnswer();
}

Result<FolderAnswer> RunFolder::Do(const WriteList& write) {
  if (!list_) {
    ASSIGN_OR_RETURN(list_,
                     AtomicFile::Create(output_, std::string(kFolder) + write.name + ".jsonl"));
  }
  ListWritten written;
  switch (write.what) {
    case WriteList::What::kFailed:
      for (const ListedItem& item : write.items) {
        RETURN_IF_ERROR(AddLine(*list_, FailureJson(item, write.stages)));
      }
      break;
    case WriteList::What::kRecords:
      for (const std::string& line : write.lines) RETURN_IF_ERROR(AddLine(*list_, line));
      break;
    case WriteList::What::kDeleted:
    case WriteList::What::kPruned: {
      ASSIGN_OR_RETURN(written, WriteDeleted(write));
      break;
    }
  }
  if (write.last) {
    RETURN_IF_ERROR(list_->Publish());
    list_.reset();
  }
  return written;
}

Result<ListWritten> RunFolder::WriteDeleted(const WriteList& write) {
  ListWritten written;
  for (const ListedItem& item : write.items) {
    // The walk may have passed before it came back; where INPUT is not to be seen from here, the
    // walk's word stands.
    const bool prune = write.what == WriteList::What::kPruned && InputIsGone(write.input, item);
    std::string left;
    for (const wire::OutputFile& each : item.outputs) {
      if (prune) written.pruned += RemoveOutput(output_, each);
      if (!IsLeft(output_, each)) continue;
      left += (left.empty() ? "\"" : ", \"") + JsonEscapeBytes(each.path) + '"';
    }
    if (prune && left.empty()) written.forget.push_back(item.key);
    RETURN_IF_ERROR(AddLine(
        *list_, "{\"path\": \"" + JsonEscapeBytes(item.key) + "\", \"outputs\": [" + left + "]}"));
  }
  return written;
}

Result<FolderAnswer> RunFolder::Do(const FinishReport& finish) {
  RemoveOtherLists(output_ + "/.millrace", finish.names);
  RETURN_IF_ERROR(WriteFile(output_, "report.json", [&](AtomicFile& file) -> Result<void> {
    RETURN_IF_ERROR(file.Append(finish.json));
    return {};
  }));
  // What killed workers left half-written. One that still writes has lost its lease: its rename
  // fails, as it should.
  RemoveTemporaries(output_);
  return FolderAnswer();
}

Result<FolderAnswer> RunFolder::Do(const ReadFailures& read) const {
  const std::string path = output_ + "/.millrace/failed.jsonl";
  // Whoever may ask may have put something else in its place: no link is followed, no FIFO waited
  // for.
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!fd.valid() || fstat(fd.get(), &status) != 0) {
    return Fail(ErrorCode::kUnreadable, path + ": " + ErrnoText(errno));
  }
  if (!S_ISREG(status.st_mode)) return Fail(ErrorCode::kUnreadable, path + " is not a file");
  std::string bytes(kPageBytes, '\0');
  const ssize_t got = pread(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(read.offset));
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
                                          " bytes at " + std::to_string(read.offset));
  }
  return page;
}

}  // namespace millrace
