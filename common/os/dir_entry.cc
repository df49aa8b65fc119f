#include "common/os/dir_entry.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "common/base/path_below.h"
#include "common/os/file_time.h"

namespace millrace {
namespace {

constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

// Whether the file system only lacks a flag, or the sync of folders (FUSE, SMB).
bool KnowsNoSuchThing(int error) { return error == EINVAL || error == ENOSYS || error == ENOTSUP; }

// For kernels before 5.6, and sandboxes that know no openat2.
OsResult<UniqueFd> OpenStepwise(UniqueFd folder, std::string_view path, bool make) {
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string component(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (make) {
      const bool made = mkdirat(folder.get(), component.c_str(), 0777) == 0;
      if (!made && errno != EEXIST) return tl::unexpected(errno);
      // Whoever relies on a file in it relies on its own name too.
      if (made && fsync(folder.get()) != 0 && !KnowsNoSuchThing(errno)) {
        return tl::unexpected(errno);
      }
    }
    UniqueFd next(openat(folder.get(), component.c_str(), kFolder | O_NOFOLLOW));
    if (!next.valid()) {
      // A link is no folder to O_NOFOLLOW.
      struct stat status {};
      const int error = errno;
      const bool link =
          fstatat(folder.get(), component.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
          S_ISLNK(status.st_mode);
      return tl::unexpected(link ? ELOOP : error);
    }
    folder = std::move(next);
  }
  return folder;
}

OsResult<UniqueFd> OpenBelow(UniqueFd root, const std::string& path) {
  if (path.empty()) return root;
  struct open_how how {};
  how.flags = kFolder;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  UniqueFd folder(
      static_cast<int>(syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
  if (folder.valid()) return folder;
  if (errno != ENOSYS && errno != EPERM) return tl::unexpected(errno);
  return OpenStepwise(std::move(root), path, false);
}

OsResult<DirEntry> OpenOrMake(const std::string& root, std::string_view path, bool make) {
  if (!IsPathBelow(path)) return tl::unexpected(EINVAL);
  UniqueFd top(open(root.c_str(), kFolder));
  if (!top.valid()) return tl::unexpected(errno);
  const std::size_t slash = path.rfind('/');
  const std::string below(slash == std::string_view::npos ? "" : path.substr(0, slash));
  OsResult<UniqueFd> folder =
      make ? OpenStepwise(std::move(top), below, true) : OpenBelow(std::move(top), below);
  if (!folder) return tl::unexpected(folder.error());
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  return DirEntry{*std::move(folder), std::string(name)};
}

}  // namespace

OsResult<struct stat> DirEntry::Look() const {
  struct stat status {};
  if (fstatat(folder.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return tl::unexpected(errno);
  }
  return status;
}

OsResult<DirEntry> OpenDirEntry(const std::string& root, std::string_view path) {
  return OpenOrMake(root, path, false);
}

OsResult<DirEntry> MakeDirEntry(const std::string& root, std::string_view path) {
  if (const auto made = MakeFolders(root); !made) return tl::unexpected(made.error().error_number);
  return OpenOrMake(root, path, true);
}

OsResult<void> RenameWithoutReplacing(const DirEntry& from, const DirEntry& to) {
  if (renameat2(from.folder.get(), from.name.c_str(), to.folder.get(), to.name.c_str(),
                RENAME_NOREPLACE) == 0) {
    return {};
  }
  if (!KnowsNoSuchThing(errno)) return tl::unexpected(errno);
  // Never without a name: for a moment it has both.
  if (linkat(from.folder.get(), from.name.c_str(), to.folder.get(), to.name.c_str(), 0) != 0) {
    return tl::unexpected(errno);
  }
  if (unlinkat(from.folder.get(), from.name.c_str(), 0) != 0) {
    const int error = errno;
    unlinkat(to.folder.get(), to.name.c_str(), 0);
    return tl::unexpected(error);
  }
  return {};
}

OsResult<void> SyncFolderOf(const DirEntry& place) {
  if (fsync(place.folder.get()) == 0 || KnowsNoSuchThing(errno)) return {};
  return tl::unexpected(errno);
}

bool AreSameName(const DirEntry& one, const DirEntry& other) {
  const OsResult<struct stat> a = one.Look();
  const OsResult<struct stat> b = other.Look();
  if (!a || !b || a->st_dev != b->st_dev || a->st_ino != b->st_ino) return false;
  if (a->st_nlink < 2) return true;
  struct stat folder_a {};
  struct stat folder_b {};
  return one.name == other.name && fstat(one.folder.get(), &folder_a) == 0 &&
         fstat(other.folder.get(), &folder_b) == 0 && folder_a.st_dev == folder_b.st_dev &&
         folder_a.st_ino == folder_b.st_ino;
}

FileStamp StampOf(const struct stat& status) {
  return {.bytes = status.st_size, .mtime_ns = MtimeNs(status)};
}

}  // namespace millrace
