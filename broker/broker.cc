#include "broker/broker.h"

#include <csignal>
#include <utility>

#include "common/net/endpoint.h"
#include "common/os/limits.h"
#include "common/os/random.h"

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

// The loop slept or worked longer than this beyond what it meant to: it was frozen, and no worker
// is to blame for the silence.
constexpr Duration kFrozen = std::chrono::seconds(1);

}  // namespace

Broker::Broker(Topology topology, BrokerOptions options, const Clock& clock, SignalFd signals,
               std::shared_ptr<spdlog::logger> log, net::Context context)
    : topology_(std::move(topology)),
      options_(options),
      clock_(clock),
      signals_(std::move(signals)),
      log_(std::move(log)),
      context_(std::move(context)),
      feeds_(context_, loop_, topology_.broker),
      queue_(SettingsOf(topology_)) {}

Broker::~Broker() = default;

Result<std::unique_ptr<Broker>> Broker::Create(Topology topology, BrokerOptions options,
                                               const Clock& clock, SignalFd signals,
                                               std::shared_ptr<spdlog::logger> log) {
  if (topology.stages.size() < 2) {
    return Fail(ErrorCode::kUsage,
                "a topology needs at least two stages: one that scans, and one "
                "that does something");
  }
  ASSIGN_OR_RETURN(const std::size_t files, RaiseOpenFiles());
  log->debug("up to {} open files", files);
  ASSIGN_OR_RETURN(net::Context context, net::Context::Create(topology.broker.max_sockets));
  std::unique_ptr<Broker> broker(new Broker(std::move(topology), options, clock, std::move(signals),
                                            std::move(log), std::move(context)));
  RETURN_IF_ERROR(broker->Open());
  return broker;
}

Result<void> Broker::Open() {
  const BrokerConfig& config = topology_.broker;
  if (!config.endpoint_dir.empty()) {
    Result<FileLock> lock = FileLock::Acquire(config.endpoint_dir + "/lock");
    if (!lock) return Fail(lock.error().WithContext("another broker serves this topology"));
    lock_ = std::move(*lock);
  }
  ASSIGN_OR_RETURN(const std::uint64_t epoch, RandomId());
  epoch_ = Epoch(epoch);
  // The state first: it is waited for, and workers and clients wait better for a broker that is not
  // there than for one that does not answer.
  RETURN_IF_ERROR(OpenState());
  return OpenSockets();
}

Result<void> Broker::OpenSockets() {
  const BrokerConfig& config = topology_.broker;
  net::SocketOptions options;
  options.heartbeat = config.heartbeat;
  ASSIGN_OR_RETURN(const net::Endpoint reports, net::ParseEndpoint(config.ReportsBindEndpoint()));
  ASSIGN_OR_RETURN(net::Socket reports_socket,
                   net::Socket::Open(context_, net::SocketKind::kReportsReceiver, options));
  ASSIGN_OR_RETURN(net::Monitor monitor, net::Monitor::Open(context_, reports_socket));
  RETURN_IF_ERROR(reports_socket.Bind(reports));
  reports_name_ =
      config.endpoint_dir.empty() ? std::to_string(config.reports_port) : std::string("reports");

  ASSIGN_OR_RETURN(const net::Endpoint control, net::ParseEndpoint(config.ControlBindEndpoint()));
  options.heartbeat = Duration::zero();  // whoever asks sets a deadline of its own
  options.max_frame_bytes = static_cast<std::int64_t>(wire::kMaxHeadBytes);
  ASSIGN_OR_RETURN(net::Socket control_socket,
                   net::Socket::Open(context_, net::SocketKind::kControlServer, options));
  RETURN_IF_ERROR(control_socket.Bind(control));

  reports_.emplace(std::move(reports_socket));
  monitor_.emplace(std::move(monitor));
  control_.emplace(std::move(control_socket));
  loop_.OnReadable(*reports_, [this] { DrainReports(); });
  loop_.OnReadable(*monitor_, [this] { DrainMonitor(); });
  loop_.OnReadable(*control_, [this] { DrainControl(); });
  loop_.OnReadable(signals_.fd(), [this] { OnSignals(); });
  loop_.OnReadable(state_->event_fd(), [this] { OnState(); });
  log_->info("serving {} on {}", topology_.name, config.ControlConnectEndpoint());
  return {};
}

Result<void> Broker::Serve() {
  while (!stop_now_ && !ShutdownDone()) {
    const std::optional<Instant> deadline = NextDeadline();
    RETURN_IF_ERROR(loop_.RunOnce(clock_, deadline));
    const Instant woke = clock_.Now();
    if (deadline && woke - *deadline > kFrozen) queue_.ExtendDeadlines(woke - *deadline);
    Turn();
    const Duration worked = clock_.Now() - woke;
    if (worked > kFrozen) queue_.ExtendDeadlines(worked);
  }
  log_->info("leaving");
  if (broken_) return Fail(*broken_);
  return {};
}

void Broker::Turn() {
  EndLostLinks();
  const Instant now = clock_.Now();
  for (const IncarnationId late : feeds_.Unconnected(now)) {
    log_->warn("incarnation {} never connected to its feed", late.value());
    queue_.LinkLost(late, now);
    EndIncarnationNow(late);
  }
  queue_.Tick(now);
  if (broken_) {
    stop_now_ = stop_now_ || now >= broken_until_;
    queue_.TakeActions();  // none of it is to be told
    return;
  }
  if (!shutting_down_) queue_.Dispatch(now);
  if (shutting_down_) SendWorkersAway(now);
  TakeBaselines();
  // Carrying out an action can end a run, and so bring more.
  for (std::vector<Action> actions = queue_.TakeActions(); !actions.empty();
       actions = queue_.TakeActions()) {
    CarryOut(std::move(actions));
  }
  SendConfirms();
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
      feeds_.Send(id, wire::Encode(wire::FeedMessage(wire::Drain{{epoch_, id}})));
    }
  }
  if (now < drain_until_) return;
  std::vector<IncarnationId> late;
  for (const auto& [id, worker] : queue_.workers()) late.push_back(id);
  for (const IncarnationId id : late) {
    log_->warn("incarnation {} has not left in its drain_timeout", id.value());
    queue_.Leave(id, now);
    EndIncarnationNow(id);
  }
}

std::optional<Instant> Broker::NextDeadline() const {
  std::optional<Instant> next = queue_.NextDeadline();
  const auto consider = [&](std::optional<Instant> at) {
    if (at) next = next ? std::min(*next, *at) : at;
  };
  consider(feeds_.NextDeadline());
  if (drain_sent_) consider(drain_until_);
  if (broken_) consider(broken_until_);
  return next;
}

bool Broker::ShutdownDone() const {
  return drain_sent_ && queue_.workers().empty() && queue_.runs().empty() && asked_.empty() &&
         state_->idle();
}

void Broker::OnSignals() {
  while (const std::optional<int> signal = signals_.Next()) {
    if (*signal != SIGTERM && *signal != SIGINT) continue;
    if (shutting_down_) stop_now_ = true;
    BeginShutdown(options_.supervised ? RunResult::kStopped : RunResult::kPaused,
                  "the broker was told to stop");
  }
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
