// What the queue, the lives of runs, their folders and the durable state tell each other: plain
// values, and the only thing that they share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/wire/messages.h"

namespace millrace {

using StageIndex = std::size_t;

// What somebody asked for.
struct RunOrder {
  std::string input;    // bytes, absolute
  std::string output;   // bytes, absolute
  std::string folder;   // the id of what is there (run_folder.h): a path may come to be another's
  std::string options;  // an encoded Meta, for the stages
  std::int64_t stop_at_failures = 0;
  double stop_at_share = 0;
  bool fresh = false;
  bool verify_outputs = false;
  bool prune = false;

  // Whether a run of the one can go on as a run of the other: the same items by the same rules.
  // What it stops at may differ.
  [[nodiscard]] bool SameWork(const RunOrder& other) const {
    return input == other.input && output == other.output && options == other.options &&
           fresh == other.fresh && verify_outputs == other.verify_outputs && prune == other.prune;
  }
};

// Why a run ended, or is about to.
enum class RunResult : std::uint8_t {
  kDone,     // every item has its outcome
  kStopped,  // somebody asked for it
  kFailed,   // it could not finish
};

// By what a run continues when the state reads its resume point.
enum class LoadMode : std::uint8_t {
  kSubmitted,   // somebody asked for it: failures of the environment are tried again too
  kRetried,     // only what a retry has opened, by whatever recipe there is now
  kRestored,    // it was under way when the broker left, or is resumed
  kCountsOnly,  // it ends before it has begun: nothing but counts, and nothing is changed
};

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

enum class ItemOutcome : std::uint8_t { kOk, kFailed, kSkipped };

// An item has its one outcome: to be recorded before anybody hears of it.
struct ItemEnded {
  RunId run;
  std::string key;
  ItemOutcome outcome = ItemOutcome::kOk;
  StageIndex stage = 0;  // where it ended
  std::string code;      // of a failure; the reason of a skip
  std::string text;
  int attempts = 1;
  std::vector<std::string> warnings;  // codes, of all stages
  std::vector<ItemRecord> records;
  std::vector<wire::OutputFile> outputs;
};
// What an item has been through has changed; it has no outcome yet.
struct ItemMarked {
  RunId run;
  std::string key;
  ItemMarks marks;
};
// A chunk of the run's scan, to be recorded in one step with the next cursor. ScanRecorded
// is to be called with what came of it; until then the scan waits.
struct RecordScan {
  RunId run;
  std::vector<wire::FoundItem> found;
  std::optional<std::string> next_cursor;
  bool exhaustive = false;
  // Stamps (StampOfOutput) of outputs that earlier runs have recorded and that are gone or changed:
  // what made them does not count. Looked for by the run's folder, where the order asks for it.
  std::set<std::string> lost_outputs;
};
// Why no result of an earlier run counts for a run.
struct NothingCounts {
  enum class Why {
    kStages,      // `stages` have other options or another model
    kFiles,       // the files have changed, by their size and time or by their content
    kOutputs,     // the outputs are gone or changed
    kOtherFiles,  // none of the files is among those found
    kNewFolder,   // the run wrote to another folder at the same path
  };
  Why why = Why::kStages;
  std::vector<std::int64_t> stages;
  // The earlier run; invalid where it is not remembered.
  RunId run;
  std::int64_t submitted_s = 0;
  std::string input;
};

// By stage; none where no worker of it has said HELLO yet.
using Recipes = std::vector<std::optional<std::string>>;

struct RunOpened {
  RunId run;
  RunOrder order;
  bool continued = false;    // it continues an unfinished run
  bool has_history = false;  // items of these roots are known: Start needs every stage's recipe
};

// What became of a run's items, out of the rows themselves.
struct RunSummary {
  RunCounts counts;
  std::map<std::string, std::int64_t> skipped_by;  // reason → items
  std::map<std::string, std::int64_t> warnings;    // code → items
  std::int64_t open = 0;
  std::int64_t deleted = 0;  // items of earlier runs whose inputs are gone
  std::optional<NothingCounts> nothing_counts;
};

// An item as a list of the run's report names it.
struct ListedItem {
  std::string key;
  std::size_t stage = 0;
  std::string code;
  std::string text;
  int attempts = 0;
  std::vector<wire::OutputFile> outputs;
};

// An output as it was written.
inline std::string StampOfOutput(const wire::OutputFile& file) {
  return std::to_string(file.bytes) + " " + std::to_string(file.mtime_ns) + " " + file.path;
}

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
