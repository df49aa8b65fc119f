#include "broker/broker.h"

#include <utility>

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

// Of workers that say HELLO and no more.
constexpr std::uint64_t kIncarnationLines = 20;

}  // namespace

Broker::Broker(Topology topology, BrokerOptions options, Epoch epoch, const Clock& clock,
               BrokerPorts& ports, std::shared_ptr<spdlog::logger> log)
    : topology_(std::move(topology)),
      options_(options),
      clock_(clock),
      ports_(ports),
      log_(std::move(log)),
      recipes_(topology_.stages.size()),
      epoch_(epoch),
      queue_(SettingsOf(topology_)) {}

Broker::~Broker() {
  for (const std::string& line : repeated_.Rest()) log_->warn("{}", line);
}

void Broker::Turn(std::optional<Instant> deadline) {
  const Instant woke = clock_.Now();
  if (deadline && woke - *deadline > kFrozen) queue_.ExtendDeadlines(woke - *deadline);
  TakeTurn();
  const Duration worked = clock_.Now() - woke;
  if (worked > kFrozen) queue_.ExtendDeadlines(worked);
}

void Broker::TakeTurn() {
  EndLostLinks();
  const Instant now = clock_.Now();
  for (const IncarnationId late : ports_.UnconnectedFeeds(now)) {
    WarnRepeated("never connected",
                 "incarnation " + std::to_string(late.value()) + " never connected to its feed",
                 kIncarnationLines);
    queue_.LinkLost(late, now);
    EndIncarnationNow(late);
  }
  TrustUnproven(now);
  queue_.Tick(now);
  EndUnbegun();
  if (broken_) {
    stop_now_ = stop_now_ || now >= broken_until_ || hurry_until_;
    queue_.TakeActions();  // none of it is to be told
    return;
  }
  if (!shutting_down_) queue_.Dispatch(now);
  if (shutting_down_) SendWorkersAway(now);
  stop_now_ = stop_now_ || (hurry_until_ && now >= *hurry_until_);
  TakeBaselines();
  // Carrying out an action can end a run, and so bring more.
  for (std::vector<Action> actions = queue_.TakeActions(); !actions.empty();
       actions = queue_.TakeActions()) {
    CarryOut(std::move(actions));
  }
  TellWhatIsDurable();
}

// Tells every worker to leave, and after the longest drain_timeout counts those that have not as
// gone: what they still hold is unfinished, and the runs end with their reports.
void Broker::SendWorkersAway(Instant now) {
  if (!drain_sent_) {
    drain_sent_ = true;
    Duration longest{0};
    for (const StageConfig& stage : topology_.stages) {
      longest = std::max<Duration>(longest, stage.drain_timeout);
    }
    drain_until_ = now + longest;
    for (const auto& [id, worker] : queue_.workers()) {
      ports_.SendToFeed(id, wire::Drain{{epoch_, id}});
    }
  }
  if (now < drain_until_ && !hurry_until_) return;
  if (hurry_until_) DrainReports();
  std::vector<IncarnationId> late;
  for (const auto& [id, worker] : queue_.workers()) late.push_back(id);
  for (const IncarnationId id : late) {
    if (!hurry_until_) {
      log_->warn("incarnation {} has not left in its drain_timeout", id.value());
    }
    queue_.Leave(id, now);
    EndIncarnationNow(id);
  }
}

std::optional<Instant> Broker::NextDeadline() const {
  std::optional<Instant> next = queue_.NextDeadline();
  const auto consider = [&](std::optional<Instant> at) {
    if (at) next = next ? std::min(*next, *at) : at;
  };
  consider(ports_.NextFeedDeadline());
  for (const IncarnationId worker : unproven_) {
    if (const Session* session = sessions_.FindIncarnation(worker)) consider(session->trust_at);
  }
  if (drain_sent_) consider(drain_until_);
  consider(hurry_until_);
  if (broken_) consider(broken_until_);
  return next;
}

bool Broker::ShutdownDone() const {
  return drain_sent_ && queue_.workers().empty() && queue_.runs().empty() && asked_.empty() &&
         ports_.StateIdle();
}

bool Broker::Over() const { return stop_now_ || ShutdownDone(); }

void Broker::ToldToStop() {
  BeginShutdown(options_.supervised ? RunResult::kStopped : RunResult::kPaused,
                "the broker was told to stop");
}

void Broker::ToldToHurry() {
  ToldToStop();
  if (!hurry_until_) hurry_until_ = clock_.Now() + kHurry;
}

void Broker::BeginShutdown(RunResult result, const std::string& why) {
  // A request for an end comes after a signal that would have left the runs to the next broker.
  if (shutting_down_ && (result == shutdown_result_ || result == RunResult::kPaused)) return;
  shutting_down_ = true;
  shutdown_result_ = result;
  const Instant now = clock_.Now();
  std::vector<RunId> live;
  for (const auto& [id, run] : queue_.runs()) live.push_back(id);
  for (const RunId id : live) {
    queue_.StopRun(id, result, why, now);
    StartWhenKnown(id, /*anyway=*/true);
  }
}

}  // namespace millrace
