#include "broker/run_folder.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>

#include "common/os/atomic_file.h"
#include "common/os/random.h"

namespace millrace {
namespace {

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
  lock_.reset();
  return FolderAnswer();
}

Result<FolderAnswer> RunFolder::Do(const ClearReport&) {
  for (const char* name : {"/.millrace/report.json", "/.millrace/failed.jsonl"}) {
    unlink((output_ + name).c_str());
  }
  return FolderAnswer();
}

}  // namespace millrace
