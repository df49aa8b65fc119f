// What workers report, for the queue.
#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <utility>

#include "broker/env.h"
#include "broker/feed_proof.h"
#include "broker/job_queue.h"
#include "broker/peer_log.h"
#include "broker/sessions.h"
#include "common/base/clock.h"
#include "common/wire/messages.h"

namespace millrace {

class WorkerReports {
 public:
  struct Parts {
    const Clock& clock;
    WorkerLinks& links;
    Epoch epoch;
    JobQueue& queue;
    Sessions& sessions;
    FeedProof& proof;
    PeerLog& peers;
    std::shared_ptr<spdlog::logger> log;
  };
  explicit WorkerReports(Parts parts) : p_(std::move(parts)) {}

  // Takes all that have arrived.
  void Drain();

 private:
  void Take(int link, wire::ReportMessage message);

  Parts p_;
};

}  // namespace millrace
