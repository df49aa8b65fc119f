// A job queue, a clock turned by hand, a state that records at once and in memory, and workers
// played by the test: what a test of the queue needs, in few words.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/job_queue.h"

namespace millrace::testing {

inline constexpr StageIndex kScan = 0;
inline constexpr StageIndex kWork = 1;
inline constexpr StageIndex kSave = 2;

inline StageSettings Named(const std::string& name) {
  StageSettings settings;
  settings.name = name;
  return settings;
}

class QueueWorld {
 public:
  explicit QueueWorld(std::vector<StageSettings> stages = {Named("scan"), Named("work"),
                                                           Named("save")})
      : queue(std::move(stages)) {}

  JobQueue queue;
  Instant now{std::chrono::hours(1)};

  // Everything the queue asked for since the last Settle, by kind.
  std::map<IncarnationId, std::vector<wire::Lease>> sent;  // not yet answered
  std::map<IncarnationId, std::vector<wire::Lease>> revoked;
  std::vector<wire::Lease> accepted;
  std::vector<wire::Lease> stale;
  std::vector<ItemEnded> ended;
  std::vector<IncarnationId> cut;  // incarnations ended by the queue
  std::vector<RunId> runs_ended;
  std::vector<std::string> notices;
  std::map<std::string, ItemMarks> marks;        // as recorded last
  std::map<RunId, std::set<std::string>> named;  // keys, by the scan
  // Where a test wants to see a chunk on its way to disk: it is held until Record.
  bool hold_scans = false;
  std::vector<RecordScan> held_scans;

  // A run that begins at the beginning; or goes on, where `start` says so.
  RunId AddRun(StopRule rule = {}, RunStart start = {}) {
    const RunId run(++last_run_);
    queue.StartRun(run, rule, std::move(start), now);
    Settle();
    return run;
  }
  void Record() {
    for (RecordScan& scan : std::exchange(held_scans, {})) Record(std::move(scan));
    Settle();
  }

  IncarnationId Join(StageIndex stage, std::size_t slots = 2, std::int64_t replica = 0,
                     const std::string& boot = "") {
    const IncarnationId id(++last_incarnation_);
    queue.Join(id, stage, replica, boot.empty() ? "boot" + std::to_string(id.value()) : boot, now);
    queue.SetCredit(id, slots, now);
    Settle();
    return id;
  }

  // Feeds workers and collects what the queue wants done.
  void Settle() {
    queue.Dispatch(now);
    for (std::vector<Action> actions = queue.TakeActions(); !actions.empty();
         actions = queue.TakeActions()) {
      for (Action& action : actions) Take(action);
      queue.Dispatch(now);  // a scan that was recorded brings items
    }
  }

  void Advance(Duration by) {
    now += by;
    queue.Tick(now);
    Settle();
  }

  // What the worker has been sent and has not answered, oldest first.
  std::vector<wire::Lease>& Held(IncarnationId worker) { return sent[worker]; }

  void Claim(IncarnationId worker, const std::vector<wire::Lease>& leases) {
    queue.Claimed(worker, leases, now);
    Settle();
  }
  // Claims everything it holds, as one Process call.
  std::vector<wire::Lease> ClaimAll(IncarnationId worker) {
    std::vector<wire::Lease> leases = Held(worker);
    Claim(worker, leases);
    return leases;
  }

  void FinishItem(IncarnationId worker, const wire::Lease& lease, std::size_t payload_bytes = 0) {
    wire::ItemResult item;
    if (payload_bytes > 0) {
      item.payload.push_back({"data",
                              DType::kUInt8,
                              {static_cast<std::int64_t>(payload_bytes)},
                              Buffer::Own(std::string(payload_bytes, 'x'))});
    }
    std::vector<wire::DoneResult> results;
    results.push_back({lease, std::move(item)});
    Forget(worker, lease);
    queue.Finished(worker, std::move(results), now);
    Settle();
  }

  // The scanner answers its chunk: these keys, and whether more will follow.
  void FinishScan(IncarnationId scanner, const std::vector<std::string>& keys, bool more = false) {
    wire::ScanResult scan;
    for (const std::string& key : keys) scan.found.push_back({key, wire::FoundItem::Next{}});
    if (more) scan.next_cursor = keys.empty() ? "more" : keys.back();
    const wire::Lease lease = Held(scanner).at(0);
    std::vector<wire::DoneResult> results;
    results.push_back({lease, std::move(scan)});
    Forget(scanner, lease);
    queue.Finished(scanner, std::move(results), now);
    Settle();
  }

  void Fail(IncarnationId worker, const wire::Lease& lease, bool retryable,
            const std::string& code = "corrupt") {
    const std::vector<wire::FailResult> results = {{lease, code, "text", retryable}};
    Forget(worker, lease);
    queue.Failed(worker, results, now);
    Settle();
  }
  void Skip(IncarnationId worker, const wire::Lease& lease) {
    const std::vector<wire::SkipResult> results = {{lease, "not-an-image"}};
    Forget(worker, lease);
    queue.Skipped(worker, results, now);
    Settle();
  }
  void Return(IncarnationId worker, const wire::Lease& lease) {
    const std::vector<wire::Lease> leases = {lease};
    Forget(worker, lease);
    queue.Returned(worker, leases, now);
    Settle();
  }
  void Beat(IncarnationId worker, std::uint64_t progress,
            const std::vector<wire::Lease>& claimed = {}) {
    queue.Beat(worker, progress, claimed, now);
    Settle();
  }
  // The process is killed: its link ends, and its supervisor says so.
  void Kill(IncarnationId worker) {
    sent.erase(worker);
    queue.ProcessDied(worker, "was killed by signal 9 (Killed)", now);
    queue.LinkLost(worker, now);
    Settle();
  }
  void LoseLink(IncarnationId worker) {
    sent.erase(worker);
    queue.LinkLost(worker, now);
    Settle();
  }

  [[nodiscard]] std::string KeyOf(const wire::Lease& lease) const {
    const QueuedJob* job = queue.FindJob(lease.job);
    return job == nullptr ? "" : job->key;
  }
  [[nodiscard]] const QueuedJob* JobOf(const std::string& key) const {
    for (const auto& [worker, leases] : sent) {
      for (const wire::Lease& lease : leases) {
        if (KeyOf(lease) == key) return queue.FindJob(lease.job);
      }
    }
    return nullptr;
  }
  [[nodiscard]] const RunCounts& Counts(RunId run) const { return queue.FindRun(run)->counts; }
  [[nodiscard]] const ItemEnded* EndOf(const std::string& key) const {
    const auto found = std::find_if(ended.begin(), ended.end(),
                                    [&](const ItemEnded& end) { return end.key == key; });
    return found == ended.end() ? nullptr : &*found;
  }
  [[nodiscard]] bool Ended(RunId run) const {
    return std::find(runs_ended.begin(), runs_ended.end(), run) != runs_ended.end();
  }

 private:
  void Take(Action& action) {
    if (auto* send = std::get_if<SendJobs>(&action)) {
      for (const wire::JobSpec& job : send->jobs) sent[send->worker].push_back(job.lease);
    } else if (auto* revoke = std::get_if<SendRevoke>(&action)) {
      auto& leases = revoked[revoke->worker];
      leases.insert(leases.end(), revoke->leases.begin(), revoke->leases.end());
    } else if (auto* confirm = std::get_if<SendConfirm>(&action)) {
      accepted.insert(accepted.end(), confirm->accepted.begin(), confirm->accepted.end());
      stale.insert(stale.end(), confirm->stale.begin(), confirm->stale.end());
    } else if (auto* end = std::get_if<EndIncarnation>(&action)) {
      cut.push_back(end->worker);
    } else if (auto* item = std::get_if<ItemEnded>(&action)) {
      ended.push_back(*item);
    } else if (auto* marked = std::get_if<ItemMarked>(&action)) {
      marks[marked->key] = marked->marks;
    } else if (auto* scan = std::get_if<ScanFound>(&action)) {
      accepted.push_back(scan->lease);
      if (hold_scans) {
        held_scans.push_back(std::move(scan->scan));
      } else {
        Record(std::move(scan->scan));
      }
    } else if (auto* run = std::get_if<RunEnded>(&action)) {
      runs_ended.push_back(run->run);
    } else if (auto* notice = std::get_if<Notice>(&action)) {
      notices.push_back(notice->text);
    }
  }
  void Forget(IncarnationId worker, const wire::Lease& lease) { std::erase(sent[worker], lease); }

  void Record(RecordScan scan) {
    ScanRecorded recorded;
    for (wire::FoundItem& found : scan.found) {
      if (!named[scan.run].insert(found.key).second) {
        recorded.counts.repeated += 1;
        continue;
      }
      recorded.counts.scanned += 1;
      if (const auto* fail = std::get_if<wire::FoundItem::Fail>(&found.what)) {
        recorded.counts.failed += 1;
        recorded.counts.failed_by[fail->code] += 1;
      } else if (std::holds_alternative<wire::FoundItem::Skip>(found.what)) {
        recorded.counts.skipped += 1;
      } else {
        auto& next = std::get<wire::FoundItem::Next>(found.what);
        recorded.open.push_back({std::move(found.key), std::move(next.meta), {}});
      }
    }
    recorded.next_cursor = std::move(scan.next_cursor);
    queue.ScanRecorded(scan.run, std::move(recorded), now);
  }

  std::uint64_t last_incarnation_ = 0;
  std::uint64_t last_run_ = 0;
};

}  // namespace millrace::testing
