// Files that appear whole or not at all.
//
// The bytes go to ROOT/.millrace/tmp/<random>.part, are synced, and renamed to ROOT/KEY; then the
// directory is synced too, so that after a power cut a file that was reported is there. Whatever
// fails, the temporary file is removed; only a killed process leaves one behind
// (RemoveTemporaries). A file that exists under the name already is replaced.
//
//   ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(output, "a/b.jpg"));
//   RETURN_IF_ERROR(file.Append(bytes));
//   ASSIGN_OR_RETURN(const auto stamp, file.Publish([&] { return context.MayPublish(job); }));
//
// Several files at once, for less than each by itself: publish_together.h.
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

class AtomicFile {
 public:
  // `key` is bytes: a path relative to `root`, none of whose components is empty, "." or "..".
  // Makes the temporary file and its folder.
  static WriteResult<AtomicFile> Create(const std::string& root, std::string_view key);

  AtomicFile(AtomicFile&& other) noexcept { *this = std::move(other); }
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  ~AtomicFile() { Discard(); }

  WriteResult<void> Append(std::span<const std::byte> bytes);
  WriteResult<void> Append(std::string_view text) {
    return Append(std::as_bytes(std::span(text.data(), text.size())));
  }

  // Sync, Rename and SyncFolder of what that gives. Once only.
  WriteResult<Published> Publish(const std::function<bool()>& before_publish = nullptr);

  // The steps of Publish.
  WriteResult<void> Sync();
  // Makes the folders of the key, asks `before_publish` where there is one, and renames. Where it
  // answered false, the file is dropped. Nothing is synced: adds to `unsynced`.
  WriteResult<Published> Rename(const std::function<bool()>& before_publish,
                                UnsyncedFolders& unsynced);

 private:
  AtomicFile() = default;
  void Discard();

  std::string root_;
  std::string key_;
  std::string temporary_;  // its path; "" where there is none
  UniqueFd file_;
};

WriteResult<void> SyncFolder(const std::string& path);

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
