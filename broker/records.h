// What the queue and the durable state tell each other about a run and its items.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "broker/state/redone.h"
#include "common/base/ids.h"

namespace millrace {

struct RunCounts {
  std::int64_t scanned = 0;
  std::int64_t ok = 0;
  std::int64_t failed = 0;
  std::int64_t skipped = 0;
  std::int64_t resumed = 0;         // of ok and failed: taken over from before this run
  std::int64_t resumed_failed = 0;  // of those
  std::int64_t repeated = 0;        // keys that the scan named twice, dropped
  std::map<std::string, std::int64_t> failed_by;          // by code
  std::map<std::string, std::int64_t> resumed_failed_by;  // of those: taken over

  [[nodiscard]] std::int64_t ended() const { return ok + failed + skipped; }
  void Add(const RunCounts& more) {
    scanned += more.scanned;
    ok += more.ok;
    failed += more.failed;
    skipped += more.skipped;
    resumed += more.resumed;
    resumed_failed += more.resumed_failed;
    repeated += more.repeated;
    for (const auto& [code, count] : more.failed_by) failed_by[code] += count;
    for (const auto& [code, count] : more.resumed_failed_by) resumed_failed_by[code] += count;
  }
  friend bool operator==(const RunCounts&, const RunCounts&) = default;
};

// What an item has been through at one stage, and what that means for its next time there.
struct ItemMarks {
  std::size_t stage = 0;     // where
  int attempts = 0;          // charged
  int unclaimed_deaths = 0;  // of workers that had it and had not begun it
  int link_losses = 0;
  bool alone = false;  // to be processed by itself: it may have killed a worker
  friend bool operator==(const ItemMarks&, const ItemMarks&) = default;
};

// A line of OUTPUT/.millrace/NAME.jsonl.
struct ItemRecord {
  std::string name;
  std::string line;
};

// An item without an outcome: it starts from its path.
struct OpenItem {
  std::string key;
  std::string meta;  // the scanner's
  ItemMarks marks;
};

// A chunk of a scan is on disk: these counts are new, these items are to be done.
struct ScanRecorded {
  RunCounts counts;
  std::vector<OpenItem> open;
  std::optional<std::string> next_cursor;  // none: the scan has ended
  std::optional<NothingCounts> nothing_counts;
};

// From where a run goes on.
struct RunStart {
  RunCounts counts;
  std::vector<OpenItem> open;
  std::string cursor;  // of the scan's next chunk
  bool scan_ended = false;
};

}  // namespace millrace
