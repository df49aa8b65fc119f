// OUTPUT/.millrace: who may write there, and what a run leaves (docs/report.md).
//
// Everything that the broker does with OUTPUT is a request to the run's folder, answered later: an
// OUTPUT may be a network mount that hangs. FolderThreads (folder_threads.h) carries requests out,
// each folder's in order and on a thread of its own; the simulation has folders without a disk.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "broker/records.h"
#include "common/base/result.h"
#include "common/os/atomic_file.h"
#include "common/os/file_lock.h"
#include "common/wire/messages.h"

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

// Which of these places hold a copy of it: a folder of the same id that is not the same folder.
struct FindCopies {
  std::vector<std::string> places;
};
// Which of these outputs are gone, or are not what was written.
struct FindLost {
  std::vector<wire::OutputFile> files;
};
// A report is written: BeginReport, each list page by page, FinishReport. Every file appears whole
// or not at all. An error: kNotFound where its path leads to another folder by now.
struct BeginReport {};
struct WriteList {
  enum class What : std::uint8_t {
    kFailed,
    kDeleted,
    kPruned,  // likewise, and outputs that are still what was written are removed
    kRecords,
  };
  What what = What::kFailed;
  std::string name;  // of the list: NAME.jsonl
  std::vector<ListedItem> items;
  std::vector<std::string> lines;   // of kRecords
  std::vector<std::string> stages;  // their names
  std::string input;                // of kPruned: to look whether an input is gone
  bool last = true;
};
// Writes report.json, and removes lists of an earlier run that this one has none of, by their
// names.
struct FinishReport {
  std::string json;
  std::vector<std::string> names;
};
// Lines of failed.jsonl from its `offset`-th byte on: whole lines, about 256 KiB of them.
struct ReadFailures {
  std::int64_t offset = 0;
};

using FolderRequest = std::variant<HoldFolder, ReleaseFolder, ClearReport, FindCopies, FindLost,
                                   BeginReport, WriteList, FinishReport, ReadFailures>;

struct FolderHeld {
  std::string id;
};
struct FoundCopies {
  std::set<std::string> places;
};
struct LostOutputs {
  std::set<std::string> stamps;  // StampOfOutput
};
struct ListWritten {
  std::int64_t pruned = 0;          // outputs removed
  std::vector<std::string> forget;  // keys of items of which nothing is left
};
struct FailurePage {
  std::vector<std::string> lines;
  bool more = false;
};
// Nothing where there is nothing to say but that it is done.
using FolderAnswer =
    std::variant<std::monostate, FolderHeld, FoundCopies, LostOutputs, ListWritten, FailurePage>;

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
  Result<FolderAnswer> Do(const FindCopies& find) const;
  Result<FolderAnswer> Do(const FindLost& find) const;
  Result<FolderAnswer> Do(const BeginReport& begin);
  Result<FolderAnswer> Do(const WriteList& write);
  Result<FolderAnswer> Do(const FinishReport& finish);
  Result<FolderAnswer> Do(const ReadFailures& read) const;
  Result<ListWritten> WriteDeleted(const WriteList& write);

  const std::string output_;
  std::optional<FileLock> lock_;
  std::string id_;
  std::optional<AtomicFile> list_;  // the one that is being written
};

}  // namespace millrace
