// Files that appear whole or not at all, and once published are on disk: millrace's one way to
// write a file that somebody reads later.
//
// The bytes go to a temporary file, are synced, and renamed; then the folder is synced too, with
// each above it that was made for the file, so that after a power cut a file that was reported is
// there. Whatever fails, the temporary file is removed. A file that exists under the name already
// is replaced. Where the temporary file lies:
//
//   Create        ROOT/.millrace/tmp/<random>.part; RemoveTemporaries takes away what a killed
//   process
//                 left there
//   CreateBeside  FOLDER/.millrace-<random>.part, for a folder that is somebody's own
//   Resume        PATH.part, which stays if it is not published: the next one goes on with it
//
//   ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(output, "a/b.jpg"));
//   RETURN_IF_ERROR(file.Append(bytes));
//   ASSIGN_OR_RETURN(const auto stamp, file.Publish([&] { return context.MayPublish(job); }));
//
// Several files at once, for less than each by itself: batch_publish.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/result.h"
#include "common/os/unique_fd.h"

namespace millrace {

// kWriteFailed, with the path, what was being done to it, the system's reason, and for a full disk
// how to go on; kUsage for a key that is no path below ROOT.
struct WriteError : Error {
  int error_number = 0;  // 0 where the system was not asked

  // Whether the same write may succeed later, when somebody has made room or the device is back:
  // ENOSPC, EDQUOT, EIO, ESTALE and the like; not a missing permission or a name too long.
  [[nodiscard]] bool MayPass() const;
};

template <typename T>
using WriteResult = tl::expected<T, WriteError>;

// A file as it was when it was published.
struct FileStamp {
  std::int64_t bytes = 0;
  std::int64_t mtime_ns = 0;  // since 1970
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
// What Publish gives: nothing where the file was not to be published any more.
using Published = std::optional<FileStamp>;

// Paths of folders in which something is new that a power cut could still undo.
using UnsyncedFolders = std::set<std::string>;

enum class Syncing {
  kBefore,  // what has been published survives a power cut
  kNone,    // left to the system
};

class AtomicFile {
 public:
  // `key` is bytes: a path below `root` (IsPathBelow). Makes the temporary file and its folder.
  static WriteResult<AtomicFile> Create(const std::string& root, std::string_view key);
  // `path`: absolute, or relative to the working directory. Its folder must exist.
  static WriteResult<AtomicFile> CreateBeside(const std::string& path);
  // Likewise, but makes the folder, and appends to what an earlier attempt left. kUnavailable while
  // another process does so.
  static WriteResult<AtomicFile> Resume(const std::string& path);

  AtomicFile(AtomicFile&& other) noexcept { *this = std::move(other); }
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  ~AtomicFile() { Drop(); }

  WriteResult<void> Append(std::span<const std::byte> bytes);
  WriteResult<void> Append(std::string_view text) {
    return Append(std::as_bytes(std::span(text.data(), text.size())));
  }

  // Sync, Rename and SyncFolder of what that gives. Once only.
  WriteResult<Published> Publish(const std::function<bool()>& before_publish = nullptr,
                                 Syncing syncing = Syncing::kBefore);

  // What there is so far: its path, with all that was appended in it; its size. For Resume.
  WriteResult<std::string> Unfinished();
  [[nodiscard]] std::int64_t size() const;
  // Begins anew.
  WriteResult<void> Clear();
  // Removes the temporary file, of Resume too.
  void Discard();

  // The steps of Publish.
  WriteResult<void> Sync();
  // Makes the folders of the key, asks `before_publish` where there is one, and renames. Where it
  // answered false, the file is dropped. Nothing is synced: adds to `unsynced`.
  WriteResult<Published> Rename(const std::function<bool()>& before_publish,
                                UnsyncedFolders& unsynced);

 private:
  AtomicFile() = default;
  // One for `path`, without its temporary file.
  static AtomicFile At(const std::string& path);
  // Removes the temporary file, unless it is to be gone on with.
  void Drop();
  WriteResult<void> Write(std::span<const std::byte> bytes);
  WriteResult<void> Flush();

  std::string root_;
  std::string key_;
  std::string temporary_;  // its path; "" where there is none
  bool keep_ = false;      // of Resume
  UniqueFd file_;
  std::string buffer_;  // appended and not written: small pieces are written together
};

WriteResult<void> SyncFolder(const std::string& path);

// A file that somebody else has written, SQLite for one, and its name in its folder.
WriteResult<void> SyncFile(const std::string& path);

// Makes the folder and those above it that are missing, and syncs each folder in which one is new:
// they are there after a power cut.
WriteResult<void> MakeFolders(const std::string& path);

// All of it in one call.
WriteResult<Published> WriteAtomically(const std::string& root, std::string_view key,
                                       std::span<const std::byte> bytes,
                                       const std::function<bool()>& before_publish = nullptr);
WriteResult<Published> WriteAtomically(const std::string& root, std::string_view key,
                                       std::string_view text);

// Deletes what killed writers left in ROOT/.millrace/tmp. For the end of a run, and before one: no
// writer may be at work.
void RemoveTemporaries(const std::string& root);

}  // namespace millrace
