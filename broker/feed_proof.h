// Whether what is sent to a worker's feed arrives.
//
// A feed that connects, and then carries nothing (a firewall that drops what it does not know), is
// noticed by nobody: the worker reports and beats, and every job that is sent to it is lost with
// its incarnation, again and again. So the first thing sent is a REVOKE of a lease that does not
// exist, which a worker RETURNs, and no job before that. Not every worker answers it: one that does
// not may have one job after a while.
#pragma once

#include <spdlog/logger.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "broker/env.h"
#include "broker/job_queue.h"
#include "broker/sessions.h"
#include "common/base/clock.h"
#include "common/base/ids.h"

namespace millrace {

class FeedProof {
 public:
  // How long a worker that has given credit is waited for to prove that its feed carries what is
  // sent. Doubled for each incarnation of its process before that did not, up to the longest.
  static constexpr Duration kWait = std::chrono::seconds(2);
  static constexpr Duration kMaxWait = std::chrono::minutes(5);
  // So many in a row: somebody has to look at the network.
  static constexpr int kMaxUnheard = 5;
  // Of no job: ids start at 1.
  static constexpr wire::Lease kNoLease{};

  FeedProof(WorkerLinks& links, Epoch epoch, JobQueue& queue, Sessions& sessions,
            std::shared_ptr<spdlog::logger> log)
      : links_(links), epoch_(epoch), queue_(queue), sessions_(sessions), log_(std::move(log)) {}

  // The worker gave this credit: the queue's to use once the feed is proven.
  void OnCredit(IncarnationId worker, std::int64_t slots, Instant now);
  // It answered something that came by its feed.
  void OnProven(IncarnationId worker, Instant now);
  // Lets those that gave no proof in their time have one job.
  void OnTime(Instant now);
  // The incarnation ends.
  void OnEnd(IncarnationId worker, Instant now);
  [[nodiscard]] std::optional<Instant> NextDeadline() const;

 private:
  WorkerLinks& links_;
  const Epoch epoch_;
  JobQueue& queue_;
  Sessions& sessions_;
  std::shared_ptr<spdlog::logger> log_;
  std::set<IncarnationId> unproven_;  // that were asked for a proof, and live
};

}  // namespace millrace
