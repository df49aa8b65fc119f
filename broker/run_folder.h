// OUTPUT/.millrace: who may write there, and what a run leaves (docs/report.md).
//
// Everything that the broker does with OUTPUT is a request to the run's folder, answered later: an
// OUTPUT may be a network mount that hangs. FolderThreads (folder_threads.h) carries requests out,
// each folder's in order and on a thread of its own; the simulation has folders without a disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/result.h"
#include "common/os/file_lock.h"

namespace millrace {

// Locks the folder against other runs, and removes what killed workers left half-written. One that
// is held already is let go of first: what is at its path now counts. An error: kUnavailable where
// another broker's run is writing there; kNotFound where there is no such folder and it is not to
// be made, or it is another than `id`.
struct HoldFolder {
  bool make = false;
  // Its own, drawn when the first run wrote there and kept in a file: a path may come to lead to
  // another folder, removed and made anew, or mounted there. None: any.
  std::optional<std::string> id;
};
struct ReleaseFolder {};
// Removes an earlier run's report and failures: a run begins.
struct ClearReport {};

using FolderRequest = std::variant<HoldFolder, ReleaseFolder, ClearReport>;

struct FolderHeld {
  std::string id;
};
// Nothing where there is nothing to say but that it is done.
using FolderAnswer = std::variant<std::monostate, FolderHeld>;

struct FolderAnswered {
  std::uint64_t number = 0;  // of the request
  Result<FolderAnswer> answer;
};

// One OUTPUT. Synchronous; belongs to one thread.
class RunFolder {
 public:
  // `output`: absolute.
  explicit RunFolder(std::string output) : output_(std::move(output)) {}

  Result<FolderAnswer> Execute(FolderRequest& request);
  [[nodiscard]] bool held() const { return lock_.has_value(); }

 private:
  Result<FolderAnswer> Do(const HoldFolder& hold);
  Result<FolderAnswer> Do(const ReleaseFolder& release);
  Result<FolderAnswer> Do(const ClearReport& clear);

  const std::string output_;
  std::optional<FileLock> lock_;
  std::string id_;
};

}  // namespace millrace
