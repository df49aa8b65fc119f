// Which workers there are: HELLO, EXIT, the ends of their links, and the recipes that they work by.
#pragma once

#include <spdlog/logger.h>

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/durability.h"
#include "broker/env.h"
#include "broker/feed_proof.h"
#include "broker/job_queue.h"
#include "broker/peer_log.h"
#include "broker/run/runs.h"
#include "broker/sessions.h"
#include "broker/worker_reports.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/config/topology.h"
#include "common/wire/messages.h"

namespace millrace {

// The stage of this name.
std::optional<StageIndex> FindStage(const Topology& topology, std::string_view name);

class Membership {
 public:
  struct Parts {
    const Topology& topology;
    const Clock& clock;
    WorkerLinks& links;
    Epoch epoch;
    JobQueue& queue;
    Sessions& sessions;
    FeedProof& proof;
    WorkerReports& reports;
    PeerLog& peers;
    const Durability& durability;
    Runs& runs;
    Recipes& recipes;
    std::shared_ptr<spdlog::logger> log;
  };
  explicit Membership(Parts parts) : p_(std::move(parts)) {}

  // --- requests
  wire::ControlReply Hello(const wire::Hello& hello);
  wire::ControlReply Exit(const wire::Exit& exit);
  wire::ControlReply Lost(const wire::LostRequest& request) const;

  // --- links
  // The connection that reports came by has ended: acted on by EndLostLinks.
  void LinkEnded(int link) { ended_links_.push_back(link); }
  // After draining reports once more: one can be overtaken by its link's end.
  void EndLostLinks();
  // Those whose worker had its time to connect to its feed.
  void EndUnconnected(Instant now);
  void EndIncarnation(IncarnationId worker);

  // --- the end
  // No worker is welcome any more; those that are here are told to leave.
  void Drain();
  // Counts those that have not left as gone: what they still hold is unfinished. `reason` is logged
  // of each, where it is not empty.
  void EndAll(std::string_view reason);

 private:
  // What a worker of the stage says it works by; a refusal where others say otherwise.
  std::optional<wire::ErrorReply> TakeRecipe(StageIndex stage, const wire::Hello& hello);
  wire::ControlReply Welcome(StageIndex stage, const wire::Hello& hello, Instant now);

  Parts p_;
  std::uint64_t last_incarnation_ = 0;
  std::vector<int> ended_links_;
  bool draining_ = false;
};

}  // namespace millrace
