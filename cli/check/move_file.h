// Moves one file from tree to tree, also across file systems: the same bytes, mode and time of last
// change, and never over another file. However it is interrupted, the file is whole at its old name
// or at its new one, or at both.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/os/dir_entry.h"

namespace millrace::cli {

enum class Moved {
  kMoved,
  kTaken,    // another file has the new name
  kChanged,  // the file is not as it was expected to be; it stays
  kFailed,
};

struct MoveResult {
  Moved what = Moved::kMoved;
  int error_number = 0;  // of kFailed
};

// Called behind each step that changes a file system, with its name: for tests that stop there.
using OnStep = std::function<void(std::string_view step)>;

// `expected` is what the file at `from` must be to be moved.
MoveResult MoveFile(const DirEntry& from, const FileStamp& expected, const DirEntry& to,
                    const OnStep& on_step);

// Whether two regular files hold the same bytes and were last changed at the same time. False where
// that cannot be told.
bool AreAlike(const DirEntry& one, const DirEntry& other);

}  // namespace millrace::cli
