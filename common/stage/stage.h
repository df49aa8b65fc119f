// A stage, for its author: override Start and Process, and hand the class to RunWorker (worker.h).
//
// The runtime owns sockets, credit, claims, batching, heartbeats, drain and limits. A stage sees
// jobs and gives outcomes; it is tested with no socket in sight (tests/stages/*).
#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/config/options.h"
#include "common/payload/meta.h"
#include "common/payload/payload.h"
#include "common/wire/messages.h"

namespace millrace {

// What all items of one run share.
struct RunInfo {
  RunId id;
  std::string input;   // absolute path as bytes: the folder (or the one file) being read
  std::string output;  // absolute path as bytes; "" where the topology writes nothing
  Meta options;        // of the run, not of the stage: e.g. the scanner's filters
};

// One job, as Process sees it.
struct Job {
  JobId id;
  std::shared_ptr<const RunInfo> run;
  std::string key;     // the item: a path relative to run->input, as bytes; "" for a scan chunk
  std::string cursor;  // a scan chunk: where to go on; "" at the start. Empty for items
  Meta meta;           // what the stage before attached
  Payload payload;     // likewise; buffers are shared and immutable
  int attempt = 0;     // charged attempts so far
};

// A file in the run's output, as it was when it was published.
using OutputFile = wire::OutputFile;

// What a stage has to say of an item in a file of its own: `line`, without its newline, becomes one
// of OUTPUT/.millrace/<name>.jsonl. Lines are written once an item, sorted by path, when the run
// ends. For names see wire::IsRecordName; "" for no record.
using Record = wire::Record;

// The item is done here and goes to the next stage with this payload. At the last stage: the item
// is ok; payload and meta are dropped.
struct Done {
  Meta meta;
  Payload payload;
  // Counted by code in report.json's `warnings`: "truncated", "orientation-ignored", ...
  std::vector<std::string> warnings;
  Record record;
  // The files that were published for it. A later run can tell by them that they are still there.
  std::vector<OutputFile> outputs;
};

// The item ends here as failed; other items are not touched. `retryable` gives it another attempt
// after a pause (a full disk, a flaky mount), charged, up to the stage's max_attempts.
struct Failed {
  ErrorCode code = ErrorCode::kInternal;
  std::string text;  // for a person: what is wrong with this item
  bool retryable = false;
  Record record = {};
};

// The item ends here as skipped: it was never ours to process. Counted by reason in the report
// ("not-an-image", "excluded", "outside-input", ...): a word, as wire::IsToken has it.
struct Skipped {
  std::string reason;
};

// What a scan chunk found. `key`s are unique within a run; a repeated one is dropped and counted.
struct Found {
  std::string key;
  std::variant<Meta, Failed, Skipped> what;  // Meta: goes to the next stage
};

// A scan chunk is done: these items, and the cursor of the next chunk unless the scan has ended.
struct Scanned {
  std::vector<Found> found;
  std::optional<std::string> next_cursor;
  // With the last chunk: the scan named all there is, so that an item of an earlier run that it did
  // not name is gone. False for lists, filters and samples.
  bool exhaustive = false;
};

using Outcome = std::variant<Done, Failed, Skipped, Scanned>;

// What a stage is told once, before its first job.
struct StageContext {
  std::string stage;  // its name in the topology
  int replica = 0;
  int replicas = 1;   // of this stage in the topology, on all machines
  int batch_max = 1;  // the most jobs that Process is given at once
  Options options;    // checked against the stage's schema
  // After Start the process may read files and nothing more (common/os/sandbox.h). Threads and
  // descriptors that Start made it keeps.
  bool sandbox = false;
  std::shared_ptr<spdlog::logger> log;
};

// What Process may ask and tell while it runs. Safe to call from any thread until Process returns.
class JobContext {
 public:
  virtual ~JobContext() = default;
  // "Still working": a handler that makes no progress for `stall` is ended by the broker. Call it
  // at least once an item in long batches; it costs an atomic increment.
  virtual void Progress() = 0;
  // The job is not wanted any more (revoked, run cancelled, lease over): stop early; whatever is
  // returned for it is dropped.
  [[nodiscard]] virtual bool Cancelled(const Job& job) const = 0;
  // To be asked directly before an output is made visible (renamed into place): false where this
  // worker's lease may be over by its own monotonic clock, so that another may be writing it.
  [[nodiscard]] virtual bool MayPublish(const Job& job) const = 0;
};

class Stage {
 public:
  virtual ~Stage() = default;
  // Once, before any job; may load a model. An error ends the worker: "cannot start".
  virtual Result<void> Start(const StageContext& context) = 0;
  // What shapes its results beside input and options: the digest of a model's file, say. Part of
  // the worker's recipe: an item that was done by another recipe is done again. After Start.
  [[nodiscard]] virtual std::string Ingredients() const { return ""; }
  // One outcome a job, in order. Called by one thread, never concurrently. An exception that leaves
  // it is caught and fails all its jobs: a stage should return Failed for the one at fault.
  virtual std::vector<Outcome> Process(std::span<const Job> jobs, JobContext& context) = 0;
  // Asked after each Process, by the same thread: why this process can do no job any more, whatever
  // the job is (its GPU is lost); "" where it can. The worker then leaves at once with an error,
  // for its supervisor to start another, and what Process returned is dropped. To the broker that
  // is a death like any: a batch's jobs are tried again one by one, uncharged; a job by itself is
  // charged an attempt and ends as worker-died after max_attempts; too many of those in a row, and
  // the run stops with the reason (broker/crash_loop.h). So one job that breaks each process it
  // meets costs only itself.
  [[nodiscard]] virtual std::string Broken() const { return ""; }
};

}  // namespace millrace
