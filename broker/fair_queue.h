// The jobs of one stage that are ready, shared fairly between runs.
//
// Start-time fair queueing over bytes (Goyal, Vin, Cheng, SIGCOMM 1996): each run has a tag that
// grows by the bytes served to it; the run with the least tag is next; a run that was idle starts
// at the stage's virtual time, so that it neither owes nor has saved anything. Unlike deficit
// round-robin it needs no quantum, and a run of few jobs never waits for a round of large ones.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "broker/job.h"

namespace millrace {

class FairQueue {
 public:
  struct Entry {
    JobId job;
    std::uint32_t ticket = 0;  // valid while it is the job's latest
  };

  void PushBack(RunId run, Entry entry);
  void PushFront(RunId run, Entry entry);

  // The next job among the runs that `eligible` allows; entries that `valid` denies are dropped on
  // the way. The entry stays queued until Take.
  struct Pick {
    RunId run;
    Entry entry;
  };
  std::optional<Pick> Next(const std::function<bool(RunId)>& eligible,
                           const std::function<bool(const Entry&)>& valid);
  // Removes what Next gave and charges its run.
  void Take(RunId run, std::size_t bytes);

  void RemoveRun(RunId run) { runs_.erase(run); }

 private:
  struct Backlog {
    std::deque<Entry> entries;
    std::uint64_t tag = 0;  // bytes served, in the stage's virtual time
  };

  Backlog& Arrive(RunId run);

  std::map<RunId, Backlog> runs_;
  std::uint64_t virtual_time_ = 0;
};

}  // namespace millrace
