// Every message of millrace's protocol, as a plain struct. PROTOCOL.md says what they mean and
// draws the bytes; codec.h turns them into frames and back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.h"
#include "common/payload/payload.h"

namespace millrace::wire {

inline constexpr std::int64_t kProtocolVersion = 1;

// One send of one job: a report about it counts only while `delivery` is the job's latest.
struct Lease {
  JobId job;
  Delivery delivery;
  friend auto operator<=>(const Lease&, const Lease&) = default;
};

// Stands at the head of every feed and reports message. A worker drops a feed message, and the
// broker a report, whose epoch or incarnation is not its own.
struct Link {
  Epoch epoch;
  IncarnationId incarnation;
  friend bool operator==(const Link&, const Link&) = default;
};

// --- feed: broker → worker ------------------------------------------------------------------

struct RunSpec {
  RunId run;
  std::string input;    // bytes
  std::string output;   // bytes
  std::string options;  // an encoded Meta
};

struct JobSpec {
  Lease lease;
  RunId run;           // one of the message's `runs`
  std::string key;     // bytes
  std::string cursor;  // bytes
  std::string meta;    // an encoded Meta
  std::int64_t attempt = 0;
  bool alone = false;  // to be processed by itself, at once
  Payload payload;
};

struct JobMessage {
  Link link;
  std::vector<RunSpec> runs;
  std::vector<JobSpec> jobs;
};
struct Revoke {
  Link link;
  std::vector<Lease> leases;
};
struct Confirm {
  Link link;
  std::vector<Lease> accepted;
  std::vector<Lease> stale;
};
struct Drain {
  Link link;
};
// The broker's answer to a worker's Beat.
struct BeatReply {
  Link link;
};

using FeedMessage = std::variant<JobMessage, Revoke, Confirm, Drain, BeatReply>;

// --- reports: worker → broker ---------------------------------------------------------------

// How many jobs the worker may hold at once (absolute, not an increment); 0 while it drains.
struct Credit {
  Link link;
  std::int64_t slots = 0;
};
// Exactly the jobs of the one Process call that is about to begin.
struct Claim {
  Link link;
  std::vector<Lease> leases;
};

struct FoundItem {
  std::string key;  // bytes
  struct Next {
    std::string meta;
  };
  struct Fail {
    std::string code;
    std::string text;
  };
  struct Skip {
    std::string reason;
  };
  std::variant<Next, Fail, Skip> what;
};
// What a scan chunk found; no `next_cursor` where the scan has ended.
struct ScanResult {
  std::vector<FoundItem> found;
  std::optional<std::string> next_cursor;
  // With the last chunk: the scan named all there is, so that an item of an earlier run that it did
  // not name is gone. False for lists, filters and samples.
  bool exhaustive = false;
};
// A file that an item's job wrote, as it was when it was published.
struct OutputFile {
  std::string path;  // bytes, relative to the run's output
  std::int64_t bytes = 0;
  std::int64_t mtime_ns = 0;  // since 1970
  friend bool operator==(const OutputFile&, const OutputFile&) = default;
};
// A line for OUTPUT/.millrace/<name>.jsonl; no name: no record.
struct Record {
  std::string name;
  std::string line;  // bytes
  friend bool operator==(const Record&, const Record&) = default;
};
// What an item's job gave.
struct ItemResult {
  std::string meta;
  Payload payload;
  std::vector<std::string> warnings;
  Record record;
  std::vector<OutputFile> outputs;
};
struct DoneResult {
  Lease lease;
  std::variant<ItemResult, ScanResult> what;
};
struct DoneReport {
  Link link;
  std::vector<DoneResult> results;
};

struct FailResult {
  Lease lease;
  std::string code;
  std::string text;
  bool retryable = false;
  Record record = {};
};
struct FailReport {
  Link link;
  std::vector<FailResult> results;
};

struct SkipResult {
  Lease lease;
  std::string reason;
};
struct SkipReport {
  Link link;
  std::vector<SkipResult> results;
};

// Given back unprocessed: revoked, or left over when draining.
struct Return {
  Link link;
  std::vector<Lease> leases;
};

struct Beat {
  Link link;
  std::uint64_t progress = 0;      // counts the handler's signs of life
  std::uint64_t busy_ns = 0;       // time spent inside Process, since the process started
  std::uint64_t foreign_jobs = 0;  // jobs dropped since they named another incarnation
  std::vector<Lease> claimed;
};

using ReportMessage = std::variant<Credit, Claim, DoneReport, FailReport, SkipReport, Return, Beat>;

// --- control: workers and clients ⇄ broker ---------------------------------------------------

struct Hello {
  std::int64_t version = kProtocolVersion;
  std::string stage;
  std::int64_t replica = 0;
  std::string boot;          // 16 random bytes, new at every start of the process
  std::int64_t attempt = 0;  // rises when a link was lost
  std::int64_t pid = 0;
  std::string host;
  std::string software;  // "millrace-preprocess 0.1.0"
  // What shapes this worker's results beside its input: a digest of its options and model, at most
  // kMaxRecipeBytes. All workers of a stage must agree; an item done by another recipe is done
  // again. "": nothing to say.
  std::string recipe;
};
// A process of the supervisor's ended; also sent for one that never said HELLO.
struct Exit {
  std::string stage;
  std::int64_t replica = 0;
  std::int64_t pid = 0;  // 0: it tells of itself, and has never said HELLO
  std::string host;
  std::int64_t status = 0;  // exit status; meaningless when `signal` is not 0
  std::int64_t signal = 0;
  std::string stderr_tail;  // its last lines
  bool expected = false;    // it was told to leave
};
// Asked by a supervisor, again and again: which of its processes has the broker given up? That it
// is answered at all tells that the broker is not frozen.
struct LostRequest {
  std::string host;  // as in the workers' HELLO
};
struct Submit {
  std::string input;    // bytes, absolute
  std::string output;   // bytes, absolute
  std::string options;  // an encoded Meta, for the stages
  // The run gives up when this many items have failed; 0: never.
  std::int64_t stop_at_failures = 0;
  // Likewise as a share of the items ended, once 100 have; 0: never.
  double stop_at_share = 0;
  bool fresh = false;           // nothing of earlier runs counts: every item is done again
  bool verify_outputs = false;  // an item whose recorded outputs are gone or changed is done again
  bool prune = false;           // outputs of inputs that are gone are removed
};
// The failed items of the latest run into `output` are tried again, as part of that run.
struct RetryRequest {
  std::string output;  // bytes, absolute
  std::string stage;   // only those that failed there; "": all
  std::string code;    // only those with this code; "": all
};
// Nothing more of the run is sent, and its payloads are dropped; Resume goes on with it.
struct PauseRequest {
  RunId run;
};
struct ResumeRequest {
  RunId run;
};
// A consistent copy of the broker's state, made while it serves.
struct BackupRequest {
  std::string path;  // bytes, absolute, on the broker's machine; must not exist
};
struct StatusRequest {
  RunId run;  // invalid (0): every run
};
// Answered with a StatusReply when the run has ended and its report is written.
struct WaitRequest {
  RunId run;
};
struct CancelRequest {
  RunId run;
  std::string reason;
};
// Failed items of an ended run, sorted by path, from the offset-th byte of its failed.jsonl on; the
// next page starts after the lines given (each with its newline).
struct FailuresRequest {
  RunId run;
  std::int64_t offset = 0;
};
// What has ended of a run since the item number `from`, while the run goes on. The first such
// request of a run begins the telling: what ended before it is not told.
struct EndedRequest {
  RunId run;
  std::uint64_t from = 0;  // 0, then what the reply before gave as `next`
};
// The broker lets its workers finish what they hold, sends them away, and leaves.
struct ShutdownRequest {
  bool now = false;  // it waits for no worker: what is in flight is unfinished
};

using ControlRequest = std::variant<Hello, Exit, LostRequest, Submit, RetryRequest, StatusRequest,
                                    WaitRequest, CancelRequest, PauseRequest, ResumeRequest,
                                    FailuresRequest, BackupRequest, EndedRequest, ShutdownRequest>;

struct Welcome {
  Link link;
  // A TCP port, or the name of a socket file beside the control socket. The host is the one that
  // the worker used for HELLO.
  std::string feed;
  std::string reports;
  std::int64_t lease_ms = 0;     // a claimed job is lost without a Beat for this long
  std::int64_t beat_ms = 0;      // how often to send a Beat
  std::int64_t max_payload = 0;  // bytes, of one result
};
struct ErrorReply {
  std::string code;  // ErrorCodeName
  std::string text;
};
struct OkReply {};
struct Submitted {
  RunId run;
};

// A process whose incarnation ended, and of which nothing has been heard since.
struct LostProcess {
  std::string stage;
  std::int64_t replica = 0;
  std::int64_t pid = 0;
};
struct LostReply {
  std::vector<LostProcess> processes;
};

struct StageStatus {
  std::string name;
  std::int64_t workers = 0;
  std::int64_t waiting = 0;  // jobs ready or backing off
  std::int64_t active = 0;   // jobs sent or claimed
  std::int64_t bytes = 0;    // of all of them
  double busy = 0;           // share of the workers' time inside Process, over the last seconds
};
struct RunStatus {
  RunId run;
  std::string input;
  std::string output;
  std::string state;  // "active", "stopping", "paused", "done", "stopped", "failed"
  std::int64_t scanned = 0;
  std::int64_t ok = 0;
  std::int64_t failed = 0;
  std::int64_t skipped = 0;
  std::int64_t resumed = 0;  // of ok and failed: taken over from before this run
  bool scan_complete = false;
  double elapsed_s = 0;
  std::string reason;  // why it ended early; "" otherwise
  std::string remark;  // why no earlier result counts, where there are such; "" otherwise
  std::string report;  // JSON, as in report.json; "" until the run has ended
};
struct StatusReply {
  std::vector<RunStatus> runs;
  std::vector<StageStatus> stages;
  std::string trouble;  // why the broker takes no more work (its state cannot be written); ""
};
struct FailuresReply {
  std::vector<std::string> lines;  // JSON objects as in failed.jsonl
  bool more = false;
};

// An item that has not been skipped, as it ended.
struct EndedItem {
  std::string path;    // bytes, relative to the run's input
  std::string code;    // of its failure; "": it is ok
  std::string text;    // of its failure
  std::string record;  // its last record's line; "" where it has none
};
struct EndedReply {
  std::vector<EndedItem> items;
  std::uint64_t next = 0;  // what to ask from next
};

using ControlReply = std::variant<Welcome, ErrorReply, OkReply, LostReply, Submitted, StatusReply,
                                  FailuresReply, EndedReply>;

// Requests and replies carry the client's number for the request.
struct RequestEnvelope {
  std::uint64_t id = 0;
  ControlRequest request;
};
struct ReplyEnvelope {
  std::uint64_t id = 0;
  ControlReply reply;
};

}  // namespace millrace::wire
