#include "broker/state/open_state.h"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <utility>

#include "broker/state/query.h"
#include "broker/state/salvage.h"
#include "broker/state/schema.h"
#include "broker/state/wal.h"
#include "common/os/atomic_file.h"

namespace millrace {
namespace {

namespace fs = std::filesystem;

// Somebody else may look at the file, with sqlite3 or to copy it.
constexpr int kBusyMs = 5000;
constexpr std::size_t kCopyBytes = 1u << 20;
constexpr std::size_t kPageBytes = 4096;  // SQLite's, where nobody says otherwise

struct Files {
  explicit Files(const std::string& directory)
      : database(directory + "/state.db"), log(database + "-wal"), index(database + "-shm") {}
  // What takes the place of a damaged one.
  [[nodiscard]] std::string Fresh() const { return database + ".new"; }
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

std::uintmax_t BytesOf(const std::string& path) {
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(path, error);
  return error ? 0 : bytes;
}

// Copies what there is of them into a new folder.
Result<void> CopyFiles(const std::vector<std::string>& files, const std::string& folder) {
  RETURN_IF_ERROR(MakeFolders(folder));
  for (const std::string& file : files) {
    std::ifstream from(file, std::ios::binary);
    if (!from && !fs::exists(file)) continue;
    ASSIGN_OR_RETURN(AtomicFile to, AtomicFile::CreateBeside(folder / fs::path(file).filename()));
    std::vector<char> block(kCopyBytes);
    while (from.read(block.data(), static_cast<std::streamsize>(block.size())) ||
           from.gcount() > 0) {
      RETURN_IF_ERROR(
          to.Append(std::string_view(block.data(), static_cast<std::size_t>(from.gcount()))));
    }
    if (!from.eof()) return Fail(ErrorCode::kUnreadable, "cannot read " + file);
    RETURN_IF_ERROR(to.Publish());
  }
  return {};
}

// Copies the file set as it was found to a folder beside it, and names that.
Result<std::string> CopyAside(const std::string& directory, const Files& files) {
  const std::string name = directory + "/damaged-" + UtcNow();
  std::string folder = name;
  for (int more = 2; fs::exists(folder); ++more) folder = name + "-" + std::to_string(more);
  // On disk before the original goes: else a power cut leaves neither.
  Result<void> copied = CopyFiles({files.database, files.log}, folder);
  if (!copied) {
    // A part of a copy is of no use, and one at every restart would fill the disk.
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    return Fail(
        ErrorCode::kWriteFailed,
        "cannot copy the damaged state aside to " + folder + ": " + copied.error().message +
            "; the copy takes as much room as the state itself: make some, and start again");
  }
  return folder;
}

std::shared_ptr<SQLite::Database> Connect(const Files& files) {
  return std::make_shared<SQLite::Database>(files.database,
                                            SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kBusyMs);
}

Result<void> Prepare(SQLite::Database& database, const Files& files) {
  KeepLogOnClose(database, false);
  database.exec("PRAGMA journal_mode = WAL");
  // Every commit is on disk before it is told; NORMAL would sync at checkpoints alone.
  database.exec("PRAGMA synchronous = FULL");
  return Migrate(database, files.database);
}

// The database where it is sound, ready for use but for Prepare; nullptr where it is damaged, with
// the files as they were. kUsage for a newer one.
Result<std::shared_ptr<SQLite::Database>> OpenSound(const Files& files) {
  return Guarded("opening " + files.database, [&]() -> Result<std::shared_ptr<SQLite::Database>> {
    auto database = Connect(files);
    KeepLogOnClose(*database, true);
    try {
      RETURN_IF_ERROR(RefuseNewer(*database, files.database));
    } catch (const SQLite::Exception& error) {
      if (!IsDamage(error)) throw;
      return nullptr;
    }
    return IsSound(*database) ? database : nullptr;
  });
}

Result<std::shared_ptr<SQLite::Database>> OpenNew(const Files& files) {
  return Guarded("making " + files.database, [&]() -> Result<std::shared_ptr<SQLite::Database>> {
    auto database = Connect(files);
    RETURN_IF_ERROR(Prepare(*database, files));
    return database;
  });
}

// The new database, which is whole and on disk, becomes the database.
Result<void> PutInPlace(const Files& files) {
  std::error_code error;
  for (const std::string& file : {files.log, files.index}) fs::remove(file, error);
  fs::rename(files.Fresh(), files.database, error);
  if (error) {
    return Fail(ErrorCode::kWriteFailed,
                "cannot put " + files.Fresh() + " in place: " + error.message());
  }
  RETURN_IF_ERROR(SyncFolder(fs::path(files.database).parent_path()));
  return {};
}

// Makes a new database of what the damaged one still tells, in its place; the damaged one has been
// copied aside.
Result<Salvage> Replace(const Files& files) {
  const std::string fresh = files.Fresh();
  std::error_code error;
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) fs::remove(fresh + suffix, error);
  // SQLite drops the log of an empty file. It may hold all there is: give it a page to lie on.
  if (BytesOf(files.database) == 0) std::ofstream(files.database) << std::string(kPageBytes, '\0');
  ASSIGN_OR_RETURN(const Salvage salvage, SalvageTo(files.database, fresh));
  // From here on the database is missing until the new one has its name: whoever finds it so goes
  // on from there. Else a crash in between would leave one without its log, which looks whole.
  fs::remove(files.database, error);
  if (!error) RETURN_IF_ERROR(PutInPlace(files));
  if (error) {
    return Fail(ErrorCode::kWriteFailed,
                "cannot remove the damaged " + files.database + ": " + error.message());
  }
  return salvage;
}

Result<OpenedState> OpenLocked(const std::string& directory, FileLock lock) {
  const Files files(directory);
  if (!fs::exists(files.database) && fs::exists(files.Fresh())) {
    RETURN_IF_ERROR(PutInPlace(files));
  }
  OpenedState state{std::move(lock), nullptr, {}};
  const bool has_log = BytesOf(files.log) > 0;
  const bool empty = BytesOf(files.database) == 0;
  if (empty && !has_log) {
    ASSIGN_OR_RETURN(state.database, OpenNew(files));
    return state;
  }
  ASSIGN_OR_RETURN(const WalReport log, InspectWal(files.log));
  if (!empty) {
    ASSIGN_OR_RETURN(state.database, OpenSound(files));
  }
  if (state.database != nullptr && !log.torn()) {
    RETURN_IF_ERROR(Guarded("opening", [&] { return Prepare(*state.database, files); }));
    if (log.tail_pages > 0) {
      state.notes.push_back(fmt::format(
          "the broker before this one died in the middle of a write: {} pages after its last "
          "commit are dropped; what they held is done again",
          log.tail_pages));
    }
    return state;
  }
  const bool sound = state.database != nullptr;
  // Before anything reads the files but through SQLite: closing one drops SQLite's locks on it.
  state.database.reset();
  ASSIGN_OR_RETURN(const std::string aside, CopyAside(directory, files));
  if (sound) {
    ASSIGN_OR_RETURN(state.database, OpenNew(files));
    RETURN_IF_ERROR(Guarded("beginning the walks anew", [&]() -> Result<void> {
      RestartWalks(*state.database);
      return {};
    }));
    state.notes.push_back(fmt::format(
        "the state's log is damaged: {} cannot be read, and what they held is done again; it is "
        "kept as it was found in {}",
        log.header_damaged
            ? "all commits since it was begun"
            : fmt::format("{} pages with {} commits", log.tail_pages, log.tail_commits),
        aside));
  } else {
    ASSIGN_OR_RETURN(const Salvage salvage, Replace(files));
    ASSIGN_OR_RETURN(state.database, OpenNew(files));
    state.notes.push_back(
        fmt::format("the state was damaged: {} items of {} runs could be read, and the rest is "
                    "done again; it is kept as it was found in {}",
                    salvage.items, salvage.runs, aside));
  }
  return state;
}

}  // namespace

std::string NetworkFileSystemName(std::uint64_t kind) {
  constexpr std::array<std::pair<std::uint64_t, const char*>, 9> kKinds = {{
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
  const auto* const found = std::find_if(kKinds.begin(), kKinds.end(),
                                         [&](const auto& known) { return known.first == kind; });
  return found != kKinds.end() ? found->second : "";
}

std::string NetworkFileSystem(const std::string& directory) {
  struct statfs status {};
  if (statfs(directory.c_str(), &status) != 0) return "";
  // Numbers of 32 bits, of which some systems make negative ones.
  return NetworkFileSystemName(static_cast<std::uint32_t>(status.f_type));
}

Result<OpenedState> OpenState(const std::string& directory, Duration lock_wait) {
  if (const auto made = MakeFolders(directory); !made) {
    return Fail(made.error().WithContext("the state folder"));
  }
  if (const std::string kind = NetworkFileSystem(directory); !kind.empty()) {
    return Fail(ErrorCode::kUsage, "the state folder " + directory + " is on " + kind +
                                       ", where SQLite's log does not work: choose a folder on a "
                                       "local disk (--state DIR, or broker.state)");
  }
  ASSIGN_OR_RETURN(FileLock lock, FileLock::Acquire(directory + "/state.lock", lock_wait));
  return OpenLocked(directory, std::move(lock));
}

}  // namespace millrace
