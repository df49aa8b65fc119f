#include "broker/broker.h"

#include <csignal>
#include <filesystem>
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

Broker::Broker(Topology topology, const Clock& clock, SignalFd signals,
               std::shared_ptr<spdlog::logger> log, net::Context context)
    : topology_(std::move(topology)),
      clock_(clock),
      signals_(std::move(signals)),
      log_(std::move(log)),
      context_(std::move(context)),
      feeds_(context_, loop_, topology_.broker),
      queue_(SettingsOf(topology_)) {}

Broker::~Broker() = default;

Result<std::unique_ptr<Broker>> Broker::Create(Topology topology, const Clock& clock,
                                               SignalFd signals,
                                               std::shared_ptr<spdlog::logger> log) {
  if (topology.stages.size() < 2) {
    return Fail(ErrorCode::kUsage,
                "a topology needs at least two stages: one that scans, and one "
                "that does something");
  }
  ASSIGN_OR_RETURN(const std::size_t files, RaiseOpenFiles());
  log->debug("up to {} open files", files);
  ASSIGN_OR_RETURN(net::Context context, net::Context::Create(topology.broker.max_sockets));
  std::unique_ptr<Broker> broker(new Broker(std::move(topology), clock, std::move(signals),
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
  std::error_code error;
  std::filesystem::create_directories(config.state, error);
  if (error) {
    return Fail(ErrorCode::kWriteFailed,
                "cannot make the state folder " + config.state + ": " + error.message());
  }
  ASSIGN_OR_RETURN(const std::uint64_t epoch, RandomId());
  epoch_ = Epoch(epoch);

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
  if (!shutting_down_) queue_.Dispatch(now);
  if (shutting_down_) SendWorkersAway(now);
  TakeBaselines();
  // Carrying out an action can end a run, and so bring more.
  for (std::vector<Action> actions = queue_.TakeActions(); !actions.empty();
       actions = queue_.TakeActions()) {
    CarryOut(std::move(actions));
  }
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
  return next;
}

bool Broker::ShutdownDone() const { return drain_sent_ && queue_.workers().empty(); }

void Broker::OnSignals() {
  while (const std::optional<int> signal = signals_.Next()) {
    if (*signal != SIGTERM && *signal != SIGINT) continue;
    if (shutting_down_) stop_now_ = true;
    BeginShutdown("the broker was told to stop");
  }
}

void Broker::BeginShutdown(const std::string& why) {
  if (shutting_down_) return;
  shutting_down_ = true;
  const Instant now = clock_.Now();
  std::vector<RunId> active;
  for (const auto& [id, run] : queue_.runs()) active.push_back(id);
  for (const RunId id : active) queue_.StopRun(id, RunResult::kStopped, why, now);
}

void Broker::DrainMonitor() {
  while (true) {
    Result<std::optional<net::LinkEvent>> event = monitor_->Receive();
    if (!event) return log_->error("{}", event.error().message);
    if (!*event) return;
    if ((*event)->kind == net::LinkEventKind::kDisconnected) ended_links_.push_back((*event)->fd);
  }
}

void Broker::EndLostLinks() {
  if (ended_links_.empty()) return;
  DrainReports();
  for (const int fd : std::exchange(ended_links_, {})) {
    const std::optional<IncarnationId> worker = sessions_.Disconnected(fd);
    if (!worker) continue;
    log_->debug("incarnation {} lost its link", worker->value());
    queue_.LinkLost(*worker, clock_.Now());
    EndIncarnationNow(*worker);
  }
}

void Broker::EndIncarnationNow(IncarnationId worker) {
  feeds_.Close(worker);
  sessions_.Ended(worker);
}

void Broker::DrainReports() {
  while (true) {
    Result<std::optional<net::Received>> received = reports_->Receive();
    if (!received) return log_->error("{}", received.error().message);
    if (!*received) return;
    TakeReport(**received);
  }
}

void Broker::TakeReport(const net::Received& received) {
  const std::string peer = "reports connection " + std::to_string(received.peer_fd);
  if (received.refused) {
    return Malformed(peer, {ErrorCode::kProtocol, "a message over the size limits"});
  }
  Result<wire::ReportMessage> decoded = wire::DecodeReport(received.frames);
  if (!decoded) return Malformed(peer, decoded.error());
  const Instant now = clock_.Now();
  std::visit(
      [&](auto& report) {
        const IncarnationId id = report.link.incarnation;
        if (report.link.epoch != epoch_ || !queue_.workers().contains(id)) return;
        sessions_.SeenOn(received.peer_fd, id);
        using Report = std::decay_t<decltype(report)>;
        if constexpr (std::is_same_v<Report, wire::Credit>) {
          queue_.SetCredit(id, static_cast<std::size_t>(std::max<std::int64_t>(report.slots, 0)),
                           now);
        } else if constexpr (std::is_same_v<Report, wire::Claim>) {
          queue_.Claimed(id, report.leases, now);
        } else if constexpr (std::is_same_v<Report, wire::DoneReport>) {
          queue_.Finished(id, std::move(report.results), now);
        } else if constexpr (std::is_same_v<Report, wire::FailReport>) {
          queue_.Failed(id, report.results, now);
        } else if constexpr (std::is_same_v<Report, wire::SkipReport>) {
          queue_.Skipped(id, report.results, now);
        } else if constexpr (std::is_same_v<Report, wire::Return>) {
          queue_.Returned(id, report.leases, now);
        } else {
          queue_.Beat(id, report.progress, report.claimed, now);
          feeds_.Send(id, wire::Encode(wire::FeedMessage(wire::BeatReply{report.link})));
        }
      },
      *decoded);
}

void Broker::Malformed(const std::string& peer, const Error& error) {
  ++malformed_;
  const Instant now = clock_.Now();
  const auto logged = malformed_logged_.find(peer);
  if (logged != malformed_logged_.end() && now - logged->second < std::chrono::minutes(1)) return;
  if (malformed_logged_.size() > 1024) malformed_logged_.clear();
  malformed_logged_[peer] = now;
  log_->warn("{} sent a message that does not follow the protocol ({} so far): {}", peer,
             malformed_, error.message);
}

void Broker::SendJobMessage(const SendJobs& send) {
  wire::JobMessage message{{epoch_, send.worker}, {}, {}};
  for (const JobId id : send.jobs) {
    const Job* job = queue_.FindJob(id);
    if (job == nullptr) continue;
    const wire::RunSpec& run = runs_.at(job->run).spec;
    bool known = false;
    for (const wire::RunSpec& listed : message.runs) known = known || listed.run == run.run;
    if (!known) message.runs.push_back(run);
    message.jobs.push_back({{job->id, job->delivery},
                            job->run,
                            job->key,
                            job->cursor,
                            job->meta,
                            job->attempt,
                            job->alone,
                            job->payload});
  }
  if (!message.jobs.empty()) {
    feeds_.Send(send.worker, wire::Encode(wire::FeedMessage(std::move(message))));
  }
}

void Broker::CarryOut(std::vector<Action> actions) {
  for (Action& action : actions) {
    std::visit(
        [&](auto& what) {
          using What = std::decay_t<decltype(what)>;
          if constexpr (std::is_same_v<What, SendJobs>) {
            SendJobMessage(what);
          } else if constexpr (std::is_same_v<What, SendRevoke>) {
            feeds_.Send(what.worker, wire::Encode(wire::FeedMessage(wire::Revoke{
                                         {epoch_, what.worker}, std::move(what.leases)})));
          } else if constexpr (std::is_same_v<What, SendConfirm>) {
            feeds_.Send(
                what.worker,
                wire::Encode(wire::FeedMessage(wire::Confirm{
                    {epoch_, what.worker}, std::move(what.accepted), std::move(what.stale)})));
          } else if constexpr (std::is_same_v<What, EndIncarnation>) {
            log_->warn("ending incarnation {}: {}", what.worker.value(), what.reason);
            EndIncarnationNow(what.worker);
          } else if constexpr (std::is_same_v<What, ItemEnded>) {
            Record(what.run,
                   runs_.at(what.run).ledger->Add(what, queue_.settings()[what.stage].name));
          } else if constexpr (std::is_same_v<What, ItemWarned>) {
            runs_.at(what.run).ledger->Add(what);
          } else if constexpr (std::is_same_v<What, ItemRecorded>) {
            Record(what.run, runs_.at(what.run).ledger->Add(what));
          } else if constexpr (std::is_same_v<What, RunEnded>) {
            CloseRun(what.run);
          } else {
            log_->warn("{}", what.text);
          }
        },
        action);
  }
}

}  // namespace millrace
