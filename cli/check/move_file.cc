#include "cli/check/move_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <vector>

namespace millrace::cli {
namespace {

constexpr std::size_t kCopyBytes = 1u << 20;
constexpr std::size_t kMaxAttribute = 1u << 16;  // XATTR_SIZE_MAX of Linux

OsResult<UniqueFd> OpenRegular(const DirEntry& place) {
  // O_NONBLOCK: a FIFO may have taken the file's place.
  UniqueFd file(openat(place.folder.get(), place.name.c_str(),
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.valid()) return tl::unexpected(errno);
  return file;
}

// Up to a buffer's size, less only at the end.
OsResult<std::size_t> ReadFull(int fd, std::vector<char>& buffer) {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    const ssize_t got = read(fd, buffer.data() + filled, buffer.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::unexpected(errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

OsResult<void> WriteFull(int fd, const char* data, std::size_t count) {
  while (count > 0) {
    const ssize_t written = write(fd, data, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return tl::unexpected(errno);
    data += written;
    count -= static_cast<std::size_t>(written);
  }
  return {};
}

OsResult<void> CopyAll(int from, int to) {
  std::vector<char> buffer(kCopyBytes);
  for (;;) {
    const auto got = ReadFull(from, buffer);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return {};
    if (auto written = WriteFull(to, buffer.data(), *got); !written) return written;
  }
}

// Extended attributes, access lists among them, as far as the other file system takes them.
void CopyAttributes(int from, int to) {
  std::vector<char> names(
      static_cast<std::size_t>(std::max<ssize_t>(0, flistxattr(from, nullptr, 0))));
  const ssize_t listed = flistxattr(from, names.data(), names.size());
  if (names.empty() || listed <= 0) return;
  std::vector<char> value(kMaxAttribute);
  for (const char* name = names.data(); name < names.data() + listed;
       name += std::strlen(name) + 1) {
    const ssize_t bytes = fgetxattr(from, name, value.data(), value.size());
    if (bytes < 0) continue;
    [[maybe_unused]] const int set =
        fsetxattr(to, name, value.data(), static_cast<std::size_t>(bytes), 0);
  }
}

// Owner, mode and times: the owner where we may give files away, the mode where the file system
// has any (FAT has not). The times must be kept, since the file is known by them.
OsResult<void> CopyStatus(const struct stat& status, int to) {
  [[maybe_unused]] const int given = fchown(to, status.st_uid, status.st_gid);
  const std::array<timespec, 2> times = {status.st_atim, status.st_mtim};
  const bool set = fchmod(to, status.st_mode & 07777) == 0 || errno == EPERM || errno == ENOTSUP;
  if (!set || futimens(to, times.data()) != 0) return tl::unexpected(errno);
  return {};
}

bool IsTheFile(const OsResult<struct stat>& found, const struct stat& wanted) {
  return found && found->st_dev == wanted.st_dev && found->st_ino == wanted.st_ino &&
         StampOf(*found) == StampOf(wanted);
}

// The copy of `to` that is being written: the same name each time, so that what a killed process
// left is found and replaced by the next attempt.
DirEntry UnfinishedCopy(const DirEntry& to) {
  return {UniqueFd(fcntl(to.folder.get(), F_DUPFD_CLOEXEC, 0)),
          fmt::format(".millrace-{:016x}.part", std::hash<std::string>()(to.name))};
}

MoveResult Failed(int error_number) {
  // Whatever is missing now was there a moment ago.
  if (error_number == ENOENT || error_number == ELOOP) return {Moved::kChanged, 0};
  return {Moved::kFailed, error_number};
}

// Publishes a copy of `file`, which is as expected, under the name `to`.
MoveResult Copy(const UniqueFd& file, const struct stat& status, const DirEntry& to,
                const OnStep& on_step) {
  const DirEntry copy = UnfinishedCopy(to);
  if (unlinkat(copy.folder.get(), copy.name.c_str(), 0) != 0 && errno != ENOENT) {
    return {Moved::kFailed, errno};
  }
  const UniqueFd out(openat(copy.folder.get(), copy.name.c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!out.valid()) return {Moved::kFailed, errno};
  on_step("copy begun");
  const auto give_up = [&copy](Moved what, int error_number) {
    unlinkat(copy.folder.get(), copy.name.c_str(), 0);
    return MoveResult{what, error_number};
  };
  if (auto copied = CopyAll(file.get(), out.get()); !copied) {
    return give_up(Moved::kFailed, copied.error());
  }
  CopyAttributes(file.get(), out.get());
  if (auto set = CopyStatus(status, out.get()); !set) return give_up(Moved::kFailed, set.error());
  if (fsync(out.get()) != 0) return give_up(Moved::kFailed, errno);
  struct stat written {};
  if (fstat(out.get(), &written) != 0) return give_up(Moved::kFailed, errno);
  if (written.st_size != status.st_size) return give_up(Moved::kChanged, 0);
  on_step("copied");
  if (auto named = RenameWithoutReplacing(copy, to); !named) {
    return give_up(named.error() == EEXIST ? Moved::kTaken : Moved::kFailed, named.error());
  }
  on_step("copy published");
  // Only what a power cut cannot take back may replace the original.
  if (auto synced = SyncFolderOf(to); !synced) {
    unlinkat(to.folder.get(), to.name.c_str(), 0);
    return {Moved::kFailed, synced.error()};
  }
  return {};
}

MoveResult MoveAcross(const DirEntry& from, const FileStamp& expected, const DirEntry& to,
                      const OnStep& on_step) {
  const OsResult<UniqueFd> file = OpenRegular(from);
  if (!file) return Failed(file.error());
  struct stat status {};
  if (fstat(file->get(), &status) != 0) return {Moved::kFailed, errno};
  if (!S_ISREG(status.st_mode) || StampOf(status) != expected) return {Moved::kChanged, 0};
  if (const MoveResult copied = Copy(*file, status, to, on_step); copied.what != Moved::kMoved) {
    return copied;
  }
  if (!IsTheFile(from.Look(), status)) {
    unlinkat(to.folder.get(), to.name.c_str(), 0);  // our copy, of what is no more
    return {Moved::kChanged, 0};
  }
  if (unlinkat(from.folder.get(), from.name.c_str(), 0) != 0) {
    const int error = errno;
    // Where it must stay it is not to be in both places.
    if (IsTheFile(from.Look(), status)) unlinkat(to.folder.get(), to.name.c_str(), 0);
    return {Moved::kFailed, error};
  }
  on_step("original removed");
  return {};
}

}  // namespace

MoveResult MoveFile(const DirEntry& from, const FileStamp& expected, const DirEntry& to,
                    const OnStep& on_step) {
  const OsResult<struct stat> before = from.Look();
  if (!before) return Failed(before.error());
  if (!S_ISREG(before->st_mode) || StampOf(*before) != expected) return {Moved::kChanged, 0};
  if (const auto renamed = RenameWithoutReplacing(from, to); !renamed) {
    if (renamed.error() == EEXIST) return {Moved::kTaken, 0};
    if (renamed.error() != EXDEV) return Failed(renamed.error());
    return MoveAcross(from, expected, to, on_step);
  }
  on_step("renamed");
  // Another file may have taken its name since it was looked at.
  if (!IsTheFile(to.Look(), *before)) {
    const auto back = RenameWithoutReplacing(to, from);
    return back ? MoveResult{Moved::kChanged, 0} : MoveResult{Moved::kFailed, back.error()};
  }
  return {};
}

bool AreAlike(const DirEntry& one, const DirEntry& other) {
  const OsResult<UniqueFd> a = OpenRegular(one);
  const OsResult<UniqueFd> b = OpenRegular(other);
  if (!a || !b) return false;
  struct stat status_a {};
  struct stat status_b {};
  if (fstat(a->get(), &status_a) != 0 || fstat(b->get(), &status_b) != 0 ||
      !S_ISREG(status_a.st_mode) || !S_ISREG(status_b.st_mode) ||
      StampOf(status_a) != StampOf(status_b)) {
    return false;
  }
  std::vector<char> bytes_a(kCopyBytes);
  std::vector<char> bytes_b(kCopyBytes);
  for (;;) {
    const auto got_a = ReadFull(a->get(), bytes_a);
    const auto got_b = ReadFull(b->get(), bytes_b);
    if (!got_a || !got_b || *got_a != *got_b) return false;
    if (*got_a == 0) return true;
    if (!std::equal(bytes_a.begin(), bytes_a.begin() + static_cast<std::ptrdiff_t>(*got_a),
                    bytes_b.begin())) {
      return false;
    }
  }
}

}  // namespace millrace::cli
