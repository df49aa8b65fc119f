// Files that appear whole or not at all.
//
// The bytes go to ROOT/.millrace/tmp/<random>.part, are synced, and renamed to ROOT/KEY; then the
// directory is synced too, so that after a power cut a file that was reported is there. Whatever
// fails, the temporary file is removed; only a killed process leaves one behind
// (RemoveTemporaries). A file that exists under the name already is replaced.
//
//   ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(output, "a/b.jpg"));
//   RETURN_IF_ERROR(file.Append(bytes));
//   ASSIGN_OR_RETURN(const bool published, file.Publish([&] { return context.MayPublish(job); }));
#pragma once

#include <cstddef>
#include <functional>
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

  // Syncs, makes the folders of the key, asks `before_publish` where there is one, and renames.
  // False where it answered false: then the file is dropped. Once only.
  WriteResult<bool> Publish(const std::function<bool()>& before_publish = nullptr);

 private:
  AtomicFile() = default;
  void Discard();

  std::string root_;
  std::string key_;
  std::string temporary_;  // its path; "" where there is none
  UniqueFd file_;
};

// All of it in one call.
WriteResult<bool> WriteAtomically(const std::string& root, std::string_view key,
                                  std::span<const std::byte> bytes,
                                  const std::function<bool()>& before_publish = nullptr);
WriteResult<bool> WriteAtomically(const std::string& root, std::string_view key,
                                  std::string_view text);

// Deletes what killed writers left in ROOT/.millrace/tmp. For the end of a run, and before one: no
// writer may be at work.
void RemoveTemporaries(const std::string& root);

}  // namespace millrace
