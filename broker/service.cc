#include "broker/service.h"

#include <chrono>
#include <csignal>
#include <utility>

#include "broker/socket_bounds.h"
#include "broker/state/open_state.h"
#include "common/net/endpoint.h"
#include "common/os/limits.h"
#include "common/os/random.h"
#include "common/wire/codec.h"

namespace millrace {
namespace {

Error OverTheBounds() { return {ErrorCode::kProtocol, "a message over the size limits"}; }

}  // namespace

BrokerService::BrokerService(Topology topology, const Clock& clock, SignalFd signals,
                             std::shared_ptr<spdlog::logger> log, net::Context context)
    : topology_(std::move(topology)),
      clock_(clock),
      signals_(std::move(signals)),
      log_(std::move(log)),
      context_(std::move(context)),
      feeds_(context_, loop_, topology_.broker) {}

BrokerService::~BrokerService() = default;

Result<std::unique_ptr<BrokerService>> BrokerService::Create(Topology topology,
                                                             BrokerOptions options,
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
  std::unique_ptr<BrokerService> service(new BrokerService(
      std::move(topology), clock, std::move(signals), std::move(log), std::move(context)));
  RETURN_IF_ERROR(service->Open(options));
  return service;
}

Result<void> BrokerService::Open(BrokerOptions options) {
  const BrokerConfig& config = topology_.broker;
  if (!config.endpoint_dir.empty()) {
    Result<FileLock> lock = FileLock::Acquire(config.endpoint_dir + "/lock");
    if (!lock) return Fail(lock.error().WithContext("another broker serves this topology"));
    lock_ = std::move(*lock);
  }
  ASSIGN_OR_RETURN(const std::uint64_t epoch, RandomId());
  BrokerEnv& env = *this;
  broker_ = std::make_unique<Broker>(topology_, options, Epoch(epoch), clock_, env, log_);
  // The state first: it is waited for, and workers and clients wait better for a broker that is not
  // there than for one that does not answer.
  RETURN_IF_ERROR(OpenState());
  return OpenSockets();
}

Result<void> BrokerService::OpenState() {
  ASSIGN_OR_RETURN(OpenedState opened, millrace::OpenState(topology_.broker.state));
  for (const std::string& note : opened.notes) log_->warn("{}", note);
  state_lock_ = std::move(opened.lock);
  auto state = std::make_unique<State>(std::move(opened.database), topology_.stages.size());
  RETURN_IF_ERROR(broker_->Restore(*state));
  ASSIGN_OR_RETURN(state_, StateThread::Start(std::move(state)));
  ASSIGN_OR_RETURN(folders_, FolderThreads::Create());
  broker_->Start();
  return {};
}

Result<void> BrokerService::OpenSockets() {
  const BrokerConfig& config = topology_.broker;
  ASSIGN_OR_RETURN(const net::Endpoint reports, net::ParseEndpoint(config.ReportsBindEndpoint()));
  ASSIGN_OR_RETURN(
      net::Socket reports_socket,
      net::Socket::Open(context_, net::SocketKind::kReportsReceiver, ReportsOptions(topology_)));
  ASSIGN_OR_RETURN(net::Monitor monitor, net::Monitor::Open(context_, reports_socket));
  RETURN_IF_ERROR(reports_socket.Bind(reports));

  ASSIGN_OR_RETURN(const net::Endpoint control, net::ParseEndpoint(config.ControlBindEndpoint()));
  ASSIGN_OR_RETURN(net::Socket control_socket,
                   net::Socket::Open(context_, net::SocketKind::kControlServer, ControlOptions()));
  RETURN_IF_ERROR(control_socket.Bind(control));

  reports_.emplace(std::move(reports_socket));
  monitor_.emplace(std::move(monitor));
  control_.emplace(std::move(control_socket));
  loop_.OnReadable(*reports_, [this] { broker_->DrainReports(); });
  loop_.OnReadable(*monitor_, [this] { DrainMonitor(); });
  loop_.OnReadable(*control_, [this] { DrainControl(); });
  loop_.OnReadable(signals_.fd(), [this] { OnSignals(); });
  loop_.OnReadable(state_->event_fd(), [this] { broker_->OnState(); });
  loop_.OnReadable(folders_->event_fd(), [this] { broker_->OnFolders(); });
  log_->info("serving {} on {}", topology_.name, config.ControlConnectEndpoint());
  return {};
}

Result<void> BrokerService::Serve() {
  while (!broker_->Finished()) {
    const std::optional<Instant> deadline = broker_->NextDeadline();
    RETURN_IF_ERROR(loop_.RunOnce(clock_, deadline));
    broker_->Turn(deadline);
  }
  log_->info("leaving");
  if (broker_->broken()) return Fail(*broker_->broken());
  return {};
}

void BrokerService::DrainMonitor() {
  while (true) {
    Result<std::optional<net::LinkEvent>> event = monitor_->Receive();
    if (!event) return log_->error("{}", event.error().message);
    if (!*event) return;
    if ((*event)->kind == net::LinkEventKind::kDisconnected) broker_->LinkEnded((*event)->fd);
  }
}

void BrokerService::DrainControl() {
  while (true) {
    Result<std::optional<net::Received>> received = control_->Receive();
    if (!received) return log_->error("{}", received.error().message);
    if (!*received) return;
    const std::string& identity = (*received)->identity;
    Result<wire::RequestEnvelope> request =
        (*received)->refused ? Fail(OverTheBounds()) : wire::DecodeRequest((*received)->frames);
    if (request) {
      broker_->Requested(identity, *request);
      continue;
    }
    const Error& error = request.error();
    broker_->MalformedRequest(identity, error);
    if (const std::uint64_t id = wire::RequestIdOf((*received)->frames); id != 0) {
      Reply(identity,
            {id, wire::ErrorReply{std::string(ErrorCodeName(error.code)), error.message}});
    }
  }
}

void BrokerService::OnSignals() {
  while (const std::optional<int> signal = signals_.Next()) {
    if (*signal == SIGCHLD) continue;
    const StopSignals::Meaning meaning = stop_signals_.Take(*signal, clock_.Now());
    if (meaning == StopSignals::Meaning::kDrain) broker_->OnStopSignal();
    if (meaning == StopSignals::Meaning::kAtOnce) broker_->OnSecondStopSignal();
  }
}

Result<std::string> BrokerService::OpenFeed(IncarnationId worker, Instant now) {
  return feeds_.Open(worker, now);
}

void BrokerService::CloseFeed(IncarnationId worker) { feeds_.Close(worker); }

void BrokerService::SendToFeed(IncarnationId worker, wire::FeedMessage message) {
  feeds_.Send(worker, wire::Encode(message));
}

std::vector<IncarnationId> BrokerService::UnconnectedFeeds(Instant now) {
  return feeds_.Unconnected(now);
}

std::optional<Instant> BrokerService::NextFeedDeadline() { return feeds_.NextDeadline(); }

Result<std::optional<WorkerLinks::Report>> BrokerService::NextReport() {
  ASSIGN_OR_RETURN(const std::optional<net::Received> received, reports_->Receive());
  if (!received) return std::nullopt;
  if (received->refused) return Report{received->peer_fd, Fail(OverTheBounds())};
  return Report{received->peer_fd, wire::DecodeReport(received->frames)};
}

void BrokerService::Reply(const std::string& identity, wire::ReplyEnvelope reply) {
  // False: the asker has gone.
  (void)control_->SendTo(identity, wire::Encode(reply));
}

std::uint64_t BrokerService::Post(StateRequest request) { return state_->Post(std::move(request)); }

StateProgress BrokerService::TakeProgress() { return state_->Take(); }

bool BrokerService::StateIdle() const { return state_->idle(); }

std::uint64_t BrokerService::PostToFolder(const std::string& output, FolderRequest request) {
  return folders_->Post(output, std::move(request));
}

std::vector<FolderAnswered> BrokerService::TakeFolderAnswers() { return folders_->Take(); }

std::int64_t BrokerService::UnixSeconds() const {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace millrace
