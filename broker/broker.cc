#include "broker/broker.h"

#include <algorithm>
#include <type_traits>

namespace millrace {
namespace {

std::vector<StageSettings> SettingsOf(const Topology& topology) {
  std::vector<StageSettings> settings;
  for (const StageConfig& stage : topology.stages) {
    StageSettings entry;
    entry.name = stage.name;
    entry.lease = stage.lease;
    entry.stall = stage.stall;
    entry.claim_deadline = stage.claim_deadline;
    entry.backoff = stage.backoff;
    entry.max_attempts = stage.max_attempts;
    entry.budget = static_cast<std::size_t>(stage.budget);
    entry.max_payload = static_cast<std::size_t>(stage.max_payload);
    settings.push_back(std::move(entry));
  }
  return settings;
}

// It slept or worked longer than this beyond what it meant to: it was frozen, and no worker is to
// blame for the silence.
constexpr Duration kFrozen = std::chrono::seconds(1);

constexpr std::int64_t kMaxRestoredRuns = 1000;

// Of workers whose incarnation is ended; a peer may do as badly, and say HELLO again, for ever.
constexpr std::uint64_t kEndings = 100;

}  // namespace

Broker::Broker(Topology topology, BrokerOptions options, Epoch epoch, const Clock& clock,
               BrokerEnv& env, std::shared_ptr<spdlog::logger> log)
    : topology_(std::move(topology)),
      options_(options),
      epoch_(epoch),
      clock_(clock),
      env_(env),
      log_(std::move(log)),
      queue_(SettingsOf(topology_)),
      recipes_(topology_.stages.size()),
      peers_(clock_, log_),
      durability_(env_, epoch_, clock_, log_),
      proof_(env_, epoch_, queue_, sessions_, log_),
      reports_({clock_, env_, epoch_, queue_, sessions_, proof_, peers_, log_}),
      runs_({topology_, clock_, env_, queue_, durability_, recipes_, log_,
             [this](const Asker& asker, const wire::ControlRequest& request) {
               requests_.Take(asker, request);
             }}),
      membership_({topology_, clock_, env_, epoch_, queue_, sessions_, proof_, reports_, peers_,
                   durability_, runs_, recipes_, log_}),
      requests_({topology_, clock_, env_, queue_, durability_, membership_, runs_,
                 [this](const wire::ShutdownRequest& request) {
                   BeginShutdown(Shutdown::kStop);
                   if (request.now) OnSecondStopSignal();
                 }}) {}

Result<void> Broker::Restore(State& state) {
  ASSIGN_OR_RETURN(std::vector<RunRow> rows, state.Latest(kMaxRestoredRuns));
  for (RunRow& row : rows) runs_.Restore(std::move(row), options_.hold);
  return {};
}

void Broker::Turn(std::optional<Instant> deadline) {
  const Instant woke = clock_.Now();
  if (deadline && woke - *deadline > kFrozen) queue_.ExtendDeadlines(woke - *deadline);
  TakeTurn();
  const Duration worked = clock_.Now() - woke;
  if (worked > kFrozen) queue_.ExtendDeadlines(worked);
}

void Broker::TakeTurn() {
  membership_.EndLostLinks();
  const Instant now = clock_.Now();
  membership_.EndUnconnected(now);
  proof_.OnTime(now);
  queue_.Tick(now);
  if (broken()) {
    stop_now_ = stop_now_ || now >= durability_.broken_until() || hurry_until_;
    queue_.TakeActions();  // none of it is to be told
    return;
  }
  if (shutdown_ == Shutdown::kNone) queue_.Dispatch(now);
  if (shutdown_ != Shutdown::kNone) DrainWorkers(now);
  stop_now_ = stop_now_ || (hurry_until_ && now >= *hurry_until_);
  runs_.TakeBaselines();
  // Carrying out an action can end a run, and so bring more.
  for (std::vector<Action> actions = queue_.TakeActions(); !actions.empty();
       actions = queue_.TakeActions()) {
    for (Action& action : actions) CarryOut(std::move(action));
  }
  durability_.Release();
}

void Broker::CarryOut(Action action) {
  std::visit(
      [&](auto& what) {
        using What = std::decay_t<decltype(what)>;
        if constexpr (std::is_same_v<What, SendJobs>) {
          SendJobMessage(std::move(what));
        } else if constexpr (std::is_same_v<What, SendRevoke>) {
          env_.SendToFeed(what.worker, wire::Revoke{{epoch_, what.worker}, std::move(what.leases)});
        } else if constexpr (std::is_same_v<What, SendConfirm>) {
          durability_.Confirm(std::move(what));
        } else if constexpr (std::is_same_v<What, EndIncarnation>) {
          peers_.Warn(
              "ending incarnation",
              "ending incarnation " + std::to_string(what.worker.value()) + ": " + what.reason,
              kEndings);
          membership_.EndIncarnation(what.worker);
        } else if constexpr (std::is_same_v<What, ItemEnded>) {
          runs_.OnItemEnded(std::move(what));
        } else if constexpr (std::is_same_v<What, ItemMarked>) {
          durability_.Post(std::move(what));
        } else if constexpr (std::is_same_v<What, ScanFound>) {
          runs_.OnScanFound(std::move(what));
        } else if constexpr (std::is_same_v<What, RunStops>) {
          runs_.OnRunStops(what.run);
        } else if constexpr (std::is_same_v<What, StageFailed>) {
          runs_.OnStageFailed(what.reason);
        } else if constexpr (std::is_same_v<What, RunEnded>) {
          runs_.OnRunEnded(what.run);
        } else {
          log_->warn("{}", what.text);
        }
      },
      action);
}

void Broker::SendJobMessage(SendJobs send) {
  wire::JobMessage message{{epoch_, send.worker}, {}, std::move(send.jobs)};
  for (const wire::JobSpec& job : message.jobs) {
    const bool known = std::any_of(message.runs.begin(), message.runs.end(),
                                   [&](const wire::RunSpec& run) { return run.run == job.run; });
    if (!known) message.runs.push_back(runs_.SpecOf(job.run));
  }
  env_.SendToFeed(send.worker, std::move(message));
}

// Tells every worker to leave, and after the longest drain_timeout counts those that have not as
// gone: what they still hold is unfinished, and the runs end with their reports.
void Broker::DrainWorkers(Instant now) {
  if (!drain_until_) {
    Duration longest{0};
    for (const StageConfig& stage : topology_.stages) {
      longest = std::max<Duration>(longest, stage.drain_timeout);
    }
    drain_until_ = now + longest;
    membership_.Drain();
  }
  if (now < *drain_until_ && !hurry_until_) return;
  if (hurry_until_) reports_.Drain();
  membership_.EndAll(hurry_until_ ? "" : "has not left in its drain_timeout");
}

std::optional<Instant> Broker::NextDeadline() const {
  std::optional<Instant> next = queue_.NextDeadline();
  const auto consider = [&](std::optional<Instant> at) {
    if (at) next = next ? std::min(*next, *at) : at;
  };
  consider(env_.NextFeedDeadline());
  consider(proof_.NextDeadline());
  if (!queue_.workers().empty()) consider(drain_until_);
  consider(hurry_until_);
  if (broken()) consider(durability_.broken_until());
  return next;
}

bool Broker::Finished() const {
  return stop_now_ ||
         (drain_until_ && queue_.workers().empty() && runs_.AllAtRest() && durability_.idle());
}

void Broker::OnStopSignal() {
  BeginShutdown(options_.supervised ? Shutdown::kStop : Shutdown::kLeave);
}

void Broker::OnSecondStopSignal() {
  OnStopSignal();
  if (!hurry_until_) hurry_until_ = clock_.Now() + kHurry;
}

void Broker::BeginShutdown(Shutdown how) {
  // A request for an end comes after a signal that would have left the runs to the next broker.
  if (how <= shutdown_) return;
  shutdown_ = how;
  how == Shutdown::kStop ? runs_.Stop("the broker was told to stop") : runs_.Leave();
}

}  // namespace millrace
