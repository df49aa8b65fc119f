#include "broker/requests.h"

#include "broker/refusal.h"
#include "common/base/path_below.h"

namespace millrace {

void Requests::Take(const Asker& asker, const wire::ControlRequest& request) {
  Answer answer = std::visit([&](const auto& what) { return On(what, asker); }, request);
  if (answer) p_.env.Reply(asker.identity, {asker.number, std::move(*answer)});
}

Answer Requests::On(const wire::RetryRequest& retry, const Asker& asker) {
  std::optional<StageIndex> stage;
  if (!retry.stage.empty()) {
    stage = FindStage(p_.topology, retry.stage);
    if (!stage) {
      return Refusal(ErrorCode::kUsage,
                     "the topology " + p_.topology.name + " has no stage '" + retry.stage + "'");
    }
  }
  return p_.runs.Retry(retry, stage, asker);
}

Answer Requests::On(const wire::StatusRequest& request, const Asker&) {
  wire::StatusReply reply;
  reply.runs = p_.runs.Statuses(request.run);
  if (request.run.valid() && reply.runs.empty()) {
    return Refusal(ErrorCode::kNotFound, "no run " + std::to_string(request.run.value()));
  }
  reply.stages = StageStatuses();
  if (p_.durability.broken()) reply.trouble = p_.durability.broken()->message;
  return reply;
}

Answer Requests::On(const wire::BackupRequest& request, const Asker& asker) {
  if (!IsAbsolutePath(request.path)) {
    return Refusal(ErrorCode::kUsage, "the path must be absolute and without NUL");
  }
  if (p_.durability.broken()) {
    return Refusal(ErrorCode::kUnavailable, p_.durability.broken()->message);
  }
  p_.durability.Post(BackUp{request.path}, [this, asker](const Result<StateAnswer>& answer) {
    wire::ControlReply reply = wire::OkReply{};
    if (!answer) reply = Refusal(answer.error());
    p_.env.Reply(asker.identity, {asker.number, std::move(reply)});
  });
  return std::nullopt;
}

Answer Requests::On(const wire::ShutdownRequest& request, const Asker&) {
  p_.shut_down(request);
  return wire::OkReply{};
}

std::vector<wire::StageStatus> Requests::StageStatuses() {
  const Instant now = p_.clock.Now();
  std::vector<JobQueue::StageTotals> totals;
  for (StageIndex stage = 0; stage < p_.topology.stages.size(); ++stage) {
    totals.push_back(p_.queue.Totals(stage, now));
  }
  // Two snapshots at least two seconds apart, so that the recent share is of more than a moment.
  if (last_.totals.empty() || now - last_.at > std::chrono::seconds(2)) {
    previous_ = std::exchange(last_, Snapshot{totals, now});
  }
  const auto& since = previous_.totals.empty() ? last_.totals : previous_.totals;
  std::vector<wire::StageStatus> statuses;
  for (StageIndex stage = 0; stage < p_.topology.stages.size(); ++stage) {
    wire::StageStatus status;
    status.name = p_.topology.stages[stage].name;
    for (const auto& [id, worker] : p_.queue.workers()) status.workers += worker.stage == stage;
    const auto signed_count = [](std::size_t count) { return static_cast<std::int64_t>(count); };
    status.waiting = signed_count(totals[stage].jobs - totals[stage].in_flight);
    status.active = signed_count(totals[stage].in_flight);
    status.bytes = signed_count(totals[stage].bytes);
    const double present =
        std::chrono::duration<double>(totals[stage].present - since[stage].present).count();
    const double busy =
        std::chrono::duration<double>(totals[stage].busy - since[stage].busy).count();
    status.busy = present > 0 ? busy / present : 0;
    statuses.push_back(std::move(status));
  }
  return statuses;
}

}  // namespace millrace
