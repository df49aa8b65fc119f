// Opening a state folder: whose it is, whether what lies in it is whole, and what to do where it is
// not.
//
//   DIR/state.db, -wal, -shm   SQLite's
//   DIR/state.lock             held by the broker that owns the state; names its host and process
//   DIR/damaged-TIME/          what could not be read, as it was found: never deleted
#pragma once

#include <SQLiteCpp/Database.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/os/file_lock.h"

namespace millrace {

struct OpenedState {
  FileLock lock;
  std::shared_ptr<SQLite::Database> database;
  // For a person: what recovery found and did. Empty after an ordinary end.
  std::vector<std::string> notes;
};

// Makes the folder where it is missing. Waits up to `lock_wait` for another owner to leave.
//
// kUsage on a network file system (SQLite's log does not work there) or for a newer version;
// kUnavailable where another broker owns it; kWriteFailed.
//
// A database that is malformed, or whose log is torn, is put aside as it was found, and gives up
// its readable rows; walks that were under way then begin anew, since an item of theirs may be
// gone.
Result<OpenedState> OpenState(const std::string& directory,
                              Duration lock_wait = std::chrono::seconds(5));

// "nfs", "cifs", ... where the folder lies on a network file system; "" on a local one.
std::string NetworkFileSystem(const std::string& directory);
// The same of a statfs f_type.
std::string NetworkFileSystemName(std::uint64_t kind);

}  // namespace millrace
