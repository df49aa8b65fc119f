// What is promised, checked at every step, from what passes between the broker and the world alone:
// messages, reports, requests to the state. It keeps its own account and believes nobody's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "broker/job_queue.h"
#include "broker/run_folder.h"
#include "broker/state/requests.h"
#include "common/wire/messages.h"
#include "tests/simulation/plan.h"

namespace millrace::sim {

class World;

class Audit {
 public:
  explicit Audit(World& world) : world_(world) {}

  // --- the broker's lives
  void BrokerStarts(const Broker& broker, Epoch epoch);
  void TurnTaken();

  // --- links
  void HelloTaken(const std::string& boot) { greeting_ = boot; }
  void FeedOpened(IncarnationId worker);
  void FeedClosed(IncarnationId worker);
  void Sent(IncarnationId worker, const wire::FeedMessage& message);
  // The broker is about to act on it; and has.
  void TakingReport(const wire::ReportMessage& report);
  void ReportTaken();

  // --- the state
  void Posted(std::uint64_t number, const StateRequest& request);
  void Answered(const StateRequest& request, const Result<StateAnswer>& answer);
  void Committed(std::uint64_t through) { durable_ = through; }

  // --- folders
  void ReportBegins(const std::string& output) { reports_[output] = {}; }
  void Listed(const std::string& output, const WriteList& list);
  void ReportWritten(const std::string& output) { reports_[output].is_written = true; }

  // --- processes
  // The item ended one.
  void CulpritDeath(const std::string& key);
  void Death() { ++deaths_; }
  [[nodiscard]] std::size_t deaths() const { return deaths_; }

 private:
  using ItemId = std::pair<RunId, std::string>;

  struct Sending {
    ItemId item;
    StageIndex stage = 0;
    IncarnationId worker;
    bool alone = false;
    std::size_t call_size = 0;  // once claimed
    int claims = 0;             // reports that were taken
    int confirms = 0;
    std::optional<std::uint64_t> must_be_durable;  // before its end is confirmed
  };
  struct Peer {
    std::string boot;
    std::size_t credit = 0;
    std::set<wire::Lease> outstanding;
  };
  // A lease that its worker was gone from.
  struct Loss {
    ItemId item;
    StageIndex stage = 0;
    std::string boot;
    bool by_itself = false;
    Instant when;
    bool alive = false;  // its process said HELLO again
    bool charged = false;
  };
  // What a report that counts said of an item, for the ItemEnded or ItemMarked that follows.
  struct Verdict {
    ItemOutcome outcome = ItemOutcome::kOk;
    std::string code;
    bool retryable = false;
    wire::Lease lease;
  };
  // Of a job or a worker that a report may not touch.
  struct Untouched {
    wire::Lease lease;
    JobState state = JobState::kReady;
    Delivery delivery;
    IncarnationId holder;
    ItemMarks marks;
    std::optional<Instant> deadline;
  };

  // audit_links.cc
  void SentJobs(IncarnationId worker, const wire::JobMessage& message);
  void SentConfirm(const wire::Confirm& confirm);
  [[nodiscard]] bool Counts(const wire::Link& link, const wire::Lease& lease) const;
  void Expect(const wire::Lease& lease, Verdict verdict);
  void Answer(const wire::Link& link, const wire::Lease& lease);
  // audit.cc
  void ItemEnds(std::uint64_t number, const ItemEnded& ended);
  void ItemIsMarked(std::uint64_t number, const ItemMarked& marked);
  void RunCloses(const CloseRun& close);
  void TakeOpen(RunId run, const std::vector<OpenItem>& open);
  // A death, or what counts as one, that may be charged to the item.
  void TakeCharge(const ItemId& item, const std::string& what);
  void CheckBytes();
  void CheckLives();

  World& world_;
  const Broker* broker_ = nullptr;
  const JobQueue* queue_ = nullptr;
  Epoch epoch_;
  std::uint64_t durable_ = 0;
  std::string greeting_;
  std::map<IncarnationId, Peer> peers_;
  std::map<wire::Lease, Sending> sendings_;
  std::map<JobId, Delivery> latest_;
  std::vector<Loss> losses_;
  std::map<ItemId, Verdict> verdicts_;
  std::map<ItemId, std::map<std::size_t, ItemMarks>> marks_;
  std::set<ItemId> ended_;  // in this life of the broker
  std::set<ItemId> told_;   // a worker was told that the end counts
  std::set<RunId> scans_ended_;
  std::map<RunId, std::size_t> started_with_;  // open items, which are queued at once
  std::vector<Untouched> untouched_;
  std::optional<Worker> untouched_worker_;
  std::vector<std::size_t> most_credit_ = std::vector<std::size_t>(kStages, 0);
  // Of a run's end, by output.
  struct WrittenReport {
    std::int64_t failures = 0;
    std::string last;
    bool is_written = false;
  };
  std::map<std::string, WrittenReport> reports_;
  std::map<std::string, std::size_t> culprits_;
  std::size_t deaths_ = 0;
};

}  // namespace millrace::sim
