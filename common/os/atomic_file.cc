#include "common/os/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/os/file_time.h"
#include "common/os/random.h"

namespace millrace {
namespace {

constexpr std::string_view kTemporaryFolder = ".millrace/tmp";

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

std::string Join(std::string_view folder, std::string_view name) {
  std::string path(folder);
  if (!path.ends_with('/')) path += '/';
  path += name;
  return path;
}

bool IsKey(std::string_view key) {
  if (key.empty() || key.find('\0') != std::string_view::npos) return false;
  for (;;) {
    const std::size_t slash = key.find('/');
    const std::string_view component = key.substr(0, slash);
    if (component.empty() || component == "." || component == "..") return false;
    if (slash == std::string_view::npos) return true;
    key.remove_prefix(slash + 1);
  }
}

// Makes the folders of the path `below`, a relative one, in `root`; those that a new one appeared
// in join `unsynced`. `root` itself and the folders above it are made too.
WriteResult<void> MakeFolders(const std::string& root, std::string_view below,
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
  if (!IsKey(key)) {
    WriteError error;
    error.code = ErrorCode::kUsage;
    error.message = fmt::format("will not write '{}': it is no path inside {}", key, root);
    return tl::unexpected<WriteError>(std::move(error));
  }
  UnsyncedFolders unsynced;
  auto made = MakeFolders(root, kTemporaryFolder, unsynced);
  if (made) made = SyncFolders(unsynced);
  if (!made) return tl::unexpected<WriteError>(std::move(made).error());
  const auto id = RandomId();
  if (!id) {
    WriteError error;
    static_cast<Error&>(error) = id.error();
    return tl::unexpected<WriteError>(std::move(error));
  }
  AtomicFile file;
  file.root_ = root;
  file.key_ = std::string(key);
  const std::string path = Join(root, fmt::format("{}/{:016x}.part", kTemporaryFolder, *id));
  file.file_ = UniqueFd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file.file_.valid()) return Cannot("make the temporary file", path, errno);
  file.temporary_ = path;
  return file;
}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  if (this != &other) {
    Discard();
    root_ = std::move(other.root_);
    key_ = std::move(other.key_);
    temporary_ = std::exchange(other.temporary_, "");
    file_ = std::move(other.file_);
  }
  return *this;
}

WriteResult<void> AtomicFile::Append(std::span<const std::byte> bytes) {
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
  if (fsync(file_.get()) != 0) return Cannot("sync", Join(root_, key_), errno);
  return {};
}

WriteResult<Published> AtomicFile::Rename(const std::function<bool()>& before_publish,
                                          UnsyncedFolders& unsynced) {
  const std::string path = Join(root_, key_);
  struct stat status {};
  if (fstat(file_.get(), &status) != 0) return Cannot("examine", path, errno);
  const std::string folder(FolderOf(key_));
  if (auto made = MakeFolders(root_, folder, unsynced); !made) {
    return tl::unexpected<WriteError>(std::move(made).error());
  }
  if (before_publish && !before_publish()) {
    Discard();
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

WriteResult<Published> AtomicFile::Publish(const std::function<bool()>& before_publish) {
  if (auto synced = Sync(); !synced) return tl::unexpected<WriteError>(std::move(synced).error());
  UnsyncedFolders unsynced;
  auto published = Rename(before_publish, unsynced);
  if (!published || !*published) return published;
  if (auto synced = SyncFolders(unsynced); !synced) {
    return tl::unexpected<WriteError>(std::move(synced).error());
  }
  return published;
}

void AtomicFile::Discard() {
  file_.Reset();
  if (temporary_.empty()) return;
  unlink(temporary_.c_str());
  temporary_.clear();
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
  std::error_code ignored;
  const std::filesystem::path folder = Join(root, kTemporaryFolder);
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".part") std::filesystem::remove(entry.path(), ignored);
  }
}

}  // namespace millrace
