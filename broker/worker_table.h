// The workers that are joined to the broker now, as the queue sees them: what each may hold, and
// what it holds.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/job.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/wire/messages.h"

namespace millrace {

struct Worker {
  IncarnationId id;
  StageIndex stage = 0;
  std::int64_t replica = 0;
  std::string boot;  // of its process
  Instant joined;

  std::size_t slots = 0;          // credit: the most jobs it may hold
  std::vector<wire::Lease> held;  // each takes a slot until the worker answers for it
  // Of `held`, those that were taken back, and when it is to have answered; the earliest first.
  std::vector<std::pair<wire::Lease, Instant>> taken_back;
  JobId alone_job;        // gets nothing more until this one has ended
  bool draining = false;  // it has taken its credit back: it is about to leave
  bool reserved = false;  // gets nothing more until it is empty, for an `alone` job

  Instant last_beat;
  std::uint64_t progress = 0;
  Instant last_progress;
  std::size_t claimed = 0;  // jobs inside Process
  Instant busy_since;       // while claimed > 0
  std::uint64_t sends = 0;  // for spreading jobs evenly
  bool ended_a_job = false;

  // Its process has ended, as its supervisor says, and its last reports may still be on their way:
  // the link's end is awaited until `death_due`.
  std::optional<std::string> death;
  Instant death_due;

  [[nodiscard]] bool HasFreeSlot() const { return held.size() < slots; }
  [[nodiscard]] bool Feedable() const {
    return HasFreeSlot() && !reserved && !alone_job.valid() && !death;
  }
  [[nodiscard]] bool Holds(const wire::Lease& lease) const {
    return std::find(held.begin(), held.end(), lease) != held.end();
  }
  // A lease was taken back: it is to answer for it by `due`, unless it already is to.
  void AwaitAnswer(const wire::Lease& lease, Instant due) {
    const bool awaited = std::any_of(taken_back.begin(), taken_back.end(),
                                     [&](const auto& entry) { return entry.first == lease; });
    if (!awaited) taken_back.emplace_back(lease, due);
  }
  void Answered(const wire::Lease& lease) {
    std::erase_if(taken_back, [&](const auto& entry) { return entry.first == lease; });
  }
  // False where it did not hold the lease.
  bool Release(const wire::Lease& lease) {
    Answered(lease);
    return std::erase(held, lease) > 0;
  }
};

class WorkerTable {
 public:
  // References stay valid until Remove.
  Worker& Add(Worker worker) {
    const IncarnationId id = worker.id;
    return workers_.insert_or_assign(id, std::move(worker)).first->second;
  }
  // nullptr for one that has left.
  Worker* Find(IncarnationId id) {
    const auto found = workers_.find(id);
    return found == workers_.end() ? nullptr : &found->second;
  }
  void Remove(IncarnationId id) { workers_.erase(id); }

  // The worker of the stage that can take a job and holds the fewest; nullptr if none can.
  Worker* LeastLoaded(StageIndex stage);
  // One that holds nothing and can take a job.
  Worker* Empty(StageIndex stage);
  // Nothing waits for an empty worker of the stage any more.
  void Unreserve(StageIndex stage) {
    for (auto& [id, worker] : workers_) {
      if (worker.stage == stage) worker.reserved = false;
    }
  }
  [[nodiscard]] const std::map<IncarnationId, Worker>& all() const { return workers_; }
  [[nodiscard]] std::map<IncarnationId, Worker>& all() { return workers_; }

 private:
  std::map<IncarnationId, Worker> workers_;
};

}  // namespace millrace
