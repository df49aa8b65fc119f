// A file's place in a tree: an open folder and a name in it. What lies below the tree's root is
// reached without following a link, so that nothing is touched but what the path says, whoever
// changes the tree meanwhile.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "common/os/atomic_file.h"
#include "common/os/unique_fd.h"

namespace millrace {

// A value, or errno.
template <typename T>
using OsResult = tl::expected<T, int>;

struct DirEntry {
  UniqueFd folder;
  std::string name;

  // lstat; the errno where it fails.
  [[nodiscard]] OsResult<struct stat> Look() const;
};

// The place of `path`, which is relative to the folder `root`. `root` itself may be a link. EINVAL
// for a path that is not below a folder (IsPathBelow), ELOOP where a link is on the way.
OsResult<DirEntry> OpenDirEntry(const std::string& root, std::string_view path);
// The same, with the missing folders made, `root` and those below it: they survive a power cut.
OsResult<DirEntry> MakeDirEntry(const std::string& root, std::string_view path);

// Gives the file at `from` the name `to`, on the same file system. EEXIST where that is taken.
OsResult<void> RenameWithoutReplacing(const DirEntry& from, const DirEntry& to);

// What was done in its folder survives a power cut from here on, where the file system can promise
// that.
OsResult<void> SyncFolderOf(const DirEntry& place);

// Whether both are one name of one file, by whatever paths: what is done to the one is done to the
// other. Two hard links of a file are two.
bool AreSameName(const DirEntry& one, const DirEntry& other);

[[nodiscard]] FileStamp StampOf(const struct stat& status);

}  // namespace millrace
