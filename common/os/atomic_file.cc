#include "common/os/atomic_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include "common/base/path_below.h"
#include "common/os/file_time.h"
#include "common/os/random.h"

namespace millrace {
namespace {

constexpr std::string_view kTemporaryFolder = ".millrace/tmp";
constexpr std::string_view kUnfinished = ".part";
constexpr std::size_t kBufferBytes = 64 * 1024;

tl::unexpected<WriteError> Cannot(std::string_view what, const std::string& path,
                                  int error_number) {
  WriteError error;
  error.code = ErrorCode::kWriteFailed;
  error.error_number = error_number;
  error.message = fmt::format("cannot {} {}: {}", what, path, ErrnoText(error_number));
  if (error_number == ENOSPC || error_number == EDQUOT) {
    error.message += "; make room there and run the same command again";
  }
  return tl::unexpected<WriteError>(std::move(error));
}

tl::unexpected<WriteError> Refuse(ErrorCode code, std::string message) {
  WriteError error;
  error.code = code;
  error.message = std::move(message);
  return tl::unexpected<WriteError>(std::move(error));
}

std::string Join(std::string_view folder, std::string_view name) {
  std::string path(folder);
  if (!path.ends_with('/')) path += '/';
  path += name;
  return path;
}

// Makes the folders of the path `below`, a relative one, in `root`; those that a new one appeared
// in join `unsynced`. `root` itself and the folders above it are made too.
WriteResult<void> MakeFoldersBelow(const std::string& root, std::string_view below,
                                   UnsyncedFolders& unsynced) {
  const std::string whole = below.empty() ? root : Join(root, below);
  struct stat status {};
  if (stat(whole.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return {};
  for (std::size_t end = whole.find('/', 1);; end = whole.find('/', end + 1)) {
    const std::string folder = whole.substr(0, end);
    if (mkdir(folder.c_str(), 0777) == 0) {
      const std::size_t slash = folder.rfind('/');
      unsynced.insert(slash == std::string::npos ? "."
                      : slash == 0               ? "/"
                                                 : folder.substr(0, slash));
    } else if (errno != EEXIST) {
      return Cannot("make the folder", folder, errno);
    }
    if (end == std::string::npos) break;
  }
  return {};
}

WriteResult<void> SyncFolders(const UnsyncedFolders& folders) {
  for (const std::string& folder : folders) {
    if (auto synced = SyncFolder(folder); !synced) return synced;
  }
  return {};
}

std::string_view FolderOf(std::string_view key) {
  const std::size_t slash = key.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : key.substr(0, slash);
}

}  // namespace

bool WriteError::MayPass() const {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EIO:
    case ESTALE:
    case ETIMEDOUT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case EBUSY:
    case EAGAIN:
      return true;
    default:
      return false;
  }
}

WriteResult<AtomicFile> AtomicFile::Create(const std::string& root, std::string_view key) {
  if (!IsPathBelow(key)) {
    return Refuse(ErrorCode::kUsage,
                  fmt::format("will not write '{}': it is no path inside {}", key, root));
  }
  const std::string folder = Join(root, kTemporaryFolder);
  if (auto made = MakeFolders(folder); !made) {
    return tl::unexpected<WriteError>(std::move(made).error());
  }
  const auto id = RandomId();
  if (!id) return Refuse(id.error().code, id.error().message);
  AtomicFile file;
  file.root_ = root;
  file.key_ = std::string(key);
  const std::string name = fmt::format("{:016x}{}", *id, kUnfinished);
  const std::string path = Join(folder, name);
  // Not through a link, which would lead out of ROOT.
  const UniqueFd inside(open(folder.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!inside.valid()) return Cannot("open the folder", folder, errno);
  file.file_ =
      UniqueFd(openat(inside.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file.file_.valid()) return Cannot("make the temporary file", path, errno);
  file.temporary_ = path;
  return file;
}

WriteResult<AtomicFile> AtomicFile::CreateBeside(const std::string& path) {
  const auto id = RandomId();
  if (!id) return Refuse(id.error().code, id.error().message);
  AtomicFile file = At(path);
  const std::string temporary =
      Join(file.root_, fmt::format(".millrace-{:016x}{}", *id, kUnfinished));
  file.file_ = UniqueFd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file.file_.valid()) return Cannot("write", path, errno);
  file.temporary_ = temporary;
  return file;
}

WriteResult<AtomicFile> AtomicFile::Resume(const std::string& path) {
  AtomicFile file = At(path);
  if (auto made = MakeFolders(file.root_); !made) {
    return tl::unexpected<WriteError>(std::move(made).error());
  }
  const std::string temporary = path + std::string(kUnfinished);
  for (;;) {
    file.file_ = UniqueFd(open(temporary.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!file.file_.valid()) return Cannot("write", temporary, errno);
    if (flock(file.file_.get(), LOCK_EX | LOCK_NB) != 0) {
      return Refuse(ErrorCode::kUnavailable,
                    fmt::format("another process is writing {}; wait for it", temporary));
    }
    // Whoever had the lock may have published or removed the file since it was opened.
    struct stat opened {};
    struct stat named {};
    if (fstat(file.file_.get(), &opened) != 0) return Cannot("examine", temporary, errno);
    if (stat(temporary.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
        opened.st_ino == named.st_ino) {
      break;
    }
  }
  file.temporary_ = temporary;
  file.keep_ = true;
  return file;
}

AtomicFile AtomicFile::At(const std::string& path) {
  AtomicFile file;
  const std::size_t slash = path.rfind('/');
  file.root_ = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  file.key_ = path.substr(slash == std::string::npos ? 0 : slash + 1);
  return file;
}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  if (this != &other) {
    Drop();
    root_ = std::move(other.root_);
    key_ = std::move(other.key_);
    temporary_ = std::exchange(other.temporary_, "");
    keep_ = other.keep_;
    file_ = std::move(other.file_);
    buffer_ = std::move(other.buffer_);
  }
  return *this;
}

WriteResult<void> AtomicFile::Append(std::span<const std::byte> bytes) {
  if (buffer_.size() + bytes.size() < kBufferBytes) {
    buffer_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }
  if (auto flushed = Flush(); !flushed) return flushed;
  return Write(bytes);
}

WriteResult<void> AtomicFile::Flush() {
  if (buffer_.empty()) return {};
  auto written = Write(std::as_bytes(std::span(buffer_)));
  buffer_.clear();
  return written;
}

WriteResult<std::string> AtomicFile::Unfinished() {
  if (auto flushed = Flush(); !flushed) {
    return tl::unexpected<WriteError>(std::move(flushed).error());
  }
  return temporary_;
}

std::int64_t AtomicFile::size() const {
  struct stat status {};
  const std::int64_t written = fstat(file_.get(), &status) == 0 ? status.st_size : 0;
  return written + static_cast<std::int64_t>(buffer_.size());
}

WriteResult<void> AtomicFile::Clear() {
  buffer_.clear();
  if (ftruncate(file_.get(), 0) != 0 || lseek(file_.get(), 0, SEEK_SET) < 0) {
    return Cannot("empty", temporary_, errno);
  }
  return {};
}

WriteResult<void> AtomicFile::Write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(file_.get(), bytes.data(), bytes.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return Cannot("write", Join(root_, key_), errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

WriteResult<void> AtomicFile::Sync() {
  if (auto flushed = Flush(); !flushed) return flushed;
  if (fsync(file_.get()) != 0) return Cannot("sync", Join(root_, key_), errno);
  return {};
}

WriteResult<Published> AtomicFile::Rename(const std::function<bool()>& before_publish,
                                          UnsyncedFolders& unsynced) {
  const std::string path = Join(root_, key_);
  if (auto flushed = Flush(); !flushed) {
    return tl::unexpected<WriteError>(std::move(flushed).error());
  }
  struct stat status {};
  if (fstat(file_.get(), &status) != 0) return Cannot("examine", path, errno);
  const std::string folder(FolderOf(key_));
  if (auto made = MakeFoldersBelow(root_, folder, unsynced); !made) {
    return tl::unexpected<WriteError>(std::move(made).error());
  }
  if (before_publish && !before_publish()) {
    Drop();
    return Published();
  }
  if (std::rename(temporary_.c_str(), path.c_str()) != 0) {
    return Cannot("put into place", path, errno);
  }
  temporary_.clear();
  file_.Reset();
  unsynced.insert(folder.empty() ? root_ : Join(root_, folder));
  return FileStamp{std::int64_t{status.st_size}, MtimeNs(status)};
}

WriteResult<Published> AtomicFile::Publish(const std::function<bool()>& before_publish,
                                           Syncing syncing) {
  if (syncing == Syncing::kBefore) {
    if (auto synced = Sync(); !synced) return tl::unexpected<WriteError>(std::move(synced).error());
  }
  UnsyncedFolders unsynced;
  auto published = Rename(before_publish, unsynced);
  if (!published || !*published || syncing == Syncing::kNone) return published;
  if (auto synced = SyncFolders(unsynced); !synced) {
    return tl::unexpected<WriteError>(std::move(synced).error());
  }
  return published;
}

void AtomicFile::Drop() {
  if (!keep_) return Discard();
  // What there is is for the next attempt. Where it cannot be written, that has less to go on with.
  if (!temporary_.empty()) (void)Flush();
  file_.Reset();
  temporary_.clear();
}

void AtomicFile::Discard() {
  buffer_.clear();
  file_.Reset();
  if (temporary_.empty()) return;
  unlink(temporary_.c_str());
  temporary_.clear();
}

WriteResult<void> MakeFolders(const std::string& path) {
  UnsyncedFolders unsynced;
  auto made = MakeFoldersBelow(path, "", unsynced);
  if (made) made = SyncFolders(unsynced);
  return made;
}

WriteResult<void> SyncFolder(const std::string& path) {
  const UniqueFd folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return Cannot("open the folder", path, errno);
  // Some file systems (FUSE, SMB) know no sync of a folder.
  if (fsync(folder.get()) != 0 && errno != EINVAL && errno != ENOTSUP && errno != ENOSYS) {
    return Cannot("sync the folder", path, errno);
  }
  return {};
}

WriteResult<void> SyncFile(const std::string& path) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return Cannot("open", path, errno);
  if (fsync(file.get()) != 0) return Cannot("sync", path, errno);
  const std::string_view folder = FolderOf(path);
  if (!folder.empty()) return SyncFolder(std::string(folder));
  return SyncFolder(path.starts_with('/') ? "/" : ".");
}

WriteResult<Published> WriteAtomically(const std::string& root, std::string_view key,
                                       std::span<const std::byte> bytes,
                                       const std::function<bool()>& before_publish) {
  auto file = AtomicFile::Create(root, key);
  if (!file) return tl::unexpected<WriteError>(std::move(file).error());
  if (auto written = file->Append(bytes); !written) {
    return tl::unexpected<WriteError>(std::move(written).error());
  }
  return file->Publish(before_publish);
}

WriteResult<Published> WriteAtomically(const std::string& root, std::string_view key,
                                       std::string_view text) {
  return WriteAtomically(root, key, std::as_bytes(std::span(text.data(), text.size())));
}

void RemoveTemporaries(const std::string& root) {
  const std::string path = Join(root, kTemporaryFolder);
  // Not through a link: what lies behind one is somebody else's.
  UniqueFd folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.valid()) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(fdopendir(folder.get()), &closedir);
  if (entries == nullptr) return;
  const int fd = folder.Release();  // the stream's now
  while (const dirent* entry = readdir(entries.get())) {
    if (std::string_view(entry->d_name).ends_with(kUnfinished)) unlinkat(fd, entry->d_name, 0);
  }
}

}  // namespace millrace
