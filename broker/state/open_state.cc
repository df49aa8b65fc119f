#include "broker/state/open_state.h"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <optional>
#include <utility>

#include "broker/state/query.h"
#include "broker/state/salvage.h"
#include "broker/state/schema.h"
#include "broker/state/wal.h"

namespace millrace {
namespace {

namespace fs = std::filesystem;

struct Files {
  explicit Files(const std::string& directory)
      : database(directory + "/state.db"), log(database + "-wal"), index(database + "-shm") {}
  std::string database, log, index;
};

std::string UtcNow() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
  return text.data();
}

// The log of a broker that did not end in an orderly way.
bool HasLog(const Files& files) {
  std::error_code error;
  return fs::file_size(files.log, error) > 0 && !error;
}

// A copy of the file set as it was found, before SQLite may change it.
class CopyAside {
 public:
  static Result<CopyAside> Make(const std::string& directory, const Files& files) {
    CopyAside copy;
    copy.folder_ = directory + "/damaged-" + UtcNow();
    for (int more = 1; fs::exists(copy.folder_); ++more) {
      copy.folder_ = directory + "/damaged-" + UtcNow() + "-" + std::to_string(more);
    }
    std::error_code error;
    fs::create_directory(copy.folder_, error);
    for (const std::string& file : {files.database, files.log}) {
      if (error || !fs::exists(file)) continue;
      fs::copy_file(file, copy.folder_ / fs::path(file).filename(), error);
    }
    if (error) {
      return Fail(ErrorCode::kWriteFailed,
                  "cannot copy the state aside to " + copy.folder_ + ": " + error.message());
    }
    return copy;
  }
  [[nodiscard]] const std::string& folder() const { return folder_; }
  // All was well: the files themselves say as much.
  void Drop() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

 private:
  std::string folder_;
};

std::shared_ptr<SQLite::Database> OpenDatabase(const Files& files) {
  auto database = std::make_shared<SQLite::Database>(files.database,
                                                     SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  database->exec("PRAGMA journal_mode = WAL");
  // Every commit is on disk before it is told; NORMAL would sync at checkpoints alone.
  database->exec("PRAGMA synchronous = FULL");
  return database;
}

// The database, brought to this version; nullptr where it is damaged. kUsage for a newer one.
Result<std::shared_ptr<SQLite::Database>> TryOpen(const Files& files) {
  try {
    auto database = OpenDatabase(files);
    RETURN_IF_ERROR(Migrate(*database, files.database));
    return IsSound(*database) ? database : nullptr;
  } catch (const SQLite::Exception&) {
    return nullptr;
  }
}

Result<std::shared_ptr<SQLite::Database>> OpenNew(const Files& files) {
  return Guarded("making " + files.database, [&]() -> Result<std::shared_ptr<SQLite::Database>> {
    auto database = OpenDatabase(files);
    RETURN_IF_ERROR(Migrate(*database, files.database));
    return database;
  });
}

// Makes a new database of what the damaged one still tells, in its place.
Result<Salvage> Replace(const Files& files) {
  const std::string fresh = files.database + ".new";
  std::error_code error;
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) fs::remove(fresh + suffix, error);
  ASSIGN_OR_RETURN(const Salvage salvage, SalvageTo(files.database, fresh));
  for (const std::string& file : {files.log, files.index}) fs::remove(file, error);
  fs::rename(fresh, files.database, error);
  if (error) {
    return Fail(ErrorCode::kWriteFailed, "cannot put " + fresh + " in place: " + error.message());
  }
  return salvage;
}

}  // namespace

std::string NetworkFileSystem(const std::string& directory) {
  constexpr std::array<std::pair<unsigned long, const char*>, 9> kKinds = {{
      {NFS_SUPER_MAGIC, "nfs"},
      {SMB_SUPER_MAGIC, "smb"},
      {0xff534d42, "cifs"},
      {0xfe534d42, "smb2"},
      {AFS_SUPER_MAGIC, "afs"},
      {CODA_SUPER_MAGIC, "coda"},
      {0x00c36400, "ceph"},
      {0x0bd00bd0, "lustre"},
      {V9FS_MAGIC, "9p"},
  }};
  struct statfs status {};
  if (statfs(directory.c_str(), &status) != 0) return "";
  for (const auto& [magic, name] : kKinds) {
    if (static_cast<unsigned long>(status.f_type) == magic) return name;
  }
  return "";
}

Result<OpenedState> OpenState(const std::string& directory, Duration lock_wait) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) {
    return Fail(ErrorCode::kWriteFailed,
                "cannot make the state folder " + directory + ": " + error.message());
  }
  if (const std::string kind = NetworkFileSystem(directory); !kind.empty()) {
    return Fail(ErrorCode::kUsage, "the state folder " + directory + " is on " + kind +
                                       ", where SQLite's log does not work: choose a folder on a "
                                       "local disk (--state DIR, or broker.state)");
  }
  ASSIGN_OR_RETURN(FileLock lock, FileLock::Acquire(directory + "/state.lock", lock_wait));
  const Files files(directory);
  std::vector<std::string> notes;
  if (!fs::exists(files.database)) {
    ASSIGN_OR_RETURN(auto database, OpenNew(files));
    return OpenedState{std::move(lock), std::move(database), std::move(notes)};
  }
  std::optional<CopyAside> copy;
  WalReport log;
  if (HasLog(files)) {
    ASSIGN_OR_RETURN(copy, CopyAside::Make(directory, files));
    ASSIGN_OR_RETURN(log, InspectWal(files.log));
  }
  ASSIGN_OR_RETURN(std::shared_ptr<SQLite::Database> database, TryOpen(files));
  if (database != nullptr && !log.torn()) {
    if (copy) copy->Drop();
    if (log.tail_pages > 0) {
      notes.push_back(fmt::format(
          "the broker before this one died in the middle of a write: {} pages after its last "
          "commit are dropped; what they held is done again",
          log.tail_pages));
    }
    return OpenedState{std::move(lock), std::move(database), std::move(notes)};
  }
  if (!copy) {
    ASSIGN_OR_RETURN(copy, CopyAside::Make(directory, files));
  }
  if (database != nullptr) {
    RETURN_IF_ERROR(Guarded("beginning the walks anew", [&]() -> Result<void> {
      RestartWalks(*database);
      return {};
    }));
    notes.push_back(
        fmt::format("the state's log is torn: {} commits behind the tear are lost, and "
                    "what they held is done again; it is kept as it was found in {}",
                    log.tail_commits, copy->folder()));
  } else {
    ASSIGN_OR_RETURN(const Salvage salvage, Replace(files));
    ASSIGN_OR_RETURN(database, OpenNew(files));
    notes.push_back(
        fmt::format("the state was damaged: {} items of {} runs could be read, and the "
                    "rest is done again; it is kept as it was found in {}",
                    salvage.items, salvage.runs, copy->folder()));
  }
  return OpenedState{std::move(lock), std::move(database), std::move(notes)};
}

}  // namespace millrace
