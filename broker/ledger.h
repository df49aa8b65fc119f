// What became of a run's items: counts by reason, the failures and records themselves, and at the
// end the files in OUTPUT/.millrace. Kept on disk where it grows with the number of items.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/actions.h"
#include "broker/report.h"
#include "broker/sorted_spool.h"
#include "common/base/result.h"
#include "common/os/file_lock.h"

namespace millrace {

class RunLedger {
 public:
  // `output`: the run's, absolute. Its .millrace folder is made now, held against other runs until
  // this ledger goes (kUnavailable), and cleared of an earlier run's report. `spool_directory`: for
  // temporary files, on a disk.
  static Result<std::unique_ptr<RunLedger>> Open(std::string output, std::string spool_directory);

  Result<void> Add(const ItemEnded& ended, std::string_view stage);
  void Add(const ItemWarned& warned) { warnings_[warned.code] += 1; }
  Result<void> Add(const ItemRecorded& recorded);

  // Writes failed.jsonl, the records, and last report.json, each whole or not at all. Fills the
  // report's counts by reason first.
  Result<void> Close(RunReport& report);

 private:
  RunLedger(FileLock lock, std::string output, std::string directory, std::string spool_directory)
      : lock_(std::move(lock)),
        output_(std::move(output)),
        directory_(std::move(directory)),
        spool_directory_(std::move(spool_directory)),
        failures_(spool_directory_) {}

  FileLock lock_;
  std::string output_;
  std::string directory_;  // OUTPUT/.millrace
  std::string spool_directory_;
  std::map<std::string, std::int64_t> failed_by_;
  std::map<std::string, std::int64_t> skipped_by_;
  std::map<std::string, std::int64_t> warnings_;
  SortedSpool failures_;
  std::map<std::string, SortedSpool> records_;  // by the name of their file
};

// Lines of an ended run's OUTPUT/.millrace/failed.jsonl from its `offset`-th byte on: whole lines,
// about 256 KiB of them.
struct FailurePage {
  std::vector<std::string> lines;
  bool more = false;
};
Result<FailurePage> ReadFailures(const std::string& output, std::int64_t offset);

}  // namespace millrace
