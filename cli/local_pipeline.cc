#include "cli/local_pipeline.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "cli/exit_status.h"
#include "common/config/dump.h"
#include "common/os/executable_dir.h"

namespace millrace::cli {
namespace {

Result<std::string> WriteTopology(const TempDir& dir, const Topology& topology) {
  std::string path = dir.path() + "/topology.yaml";
  std::ofstream file(path, std::ios::binary);
  file << DumpTopology(topology);
  file.close();
  if (!file) return Fail(ErrorCode::kWriteFailed, "cannot write " + path);
  return path;
}

ChildOptions CommandOf(std::string executable, std::vector<std::string> arguments,
                       const std::string& log_level) {
  ChildOptions child{.executable = std::move(executable),
                     .arguments = std::move(arguments),
                     .environment = {{"MILLRACE_SUPERVISED", "1"}},
                     .capture_stderr = true,
                     .ignore_interrupt = true};
  if (!log_level.empty()) child.environment.emplace_back("MILLRACE_LOG", log_level);
  return child;
}

Result<std::vector<WorkerCommand>> WorkerCommands(const Topology& topology, const std::string& file,
                                                  const std::string& log_level) {
  std::vector<WorkerCommand> commands;
  for (const StageConfig& stage : topology.stages) {
    ASSIGN_OR_RETURN(const std::string executable, FindExecutable(stage.executable));
    for (int replica = 0; replica < stage.replicas; ++replica) {
      commands.push_back({.stage = stage.name,
                          .replica = replica,
                          .child = CommandOf(executable,
                                             {"--topology", file, "--stage", stage.name,
                                              "--replica", std::to_string(replica)},
                                             log_level)});
    }
  }
  return commands;
}

// "inference-0 cannot start: no file w.pth" of a worker's last line, "12:34:56.789 E inference-0:
// cannot start: no file w.pth" or "millrace-inference: cannot start: ...".
std::string WhyNot(const std::string& worker, std::string_view line) {
  constexpr std::string_view kSaid = "cannot start: ";
  if (const std::size_t at = line.find(kSaid); at != std::string_view::npos) {
    line.remove_prefix(at + kSaid.size());
  }
  return fmt::format("{} cannot start: {}", worker, line);
}

Duration LongestDrainOf(const Topology& topology) {
  Duration longest{};
  for (const StageConfig& stage : topology.stages) {
    longest = std::max(longest, stage.drain_timeout);
  }
  return longest;
}

bool IsExecutable(const std::string& path) { return access(path.c_str(), X_OK) == 0; }

}  // namespace

Result<std::string> FindExecutable(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    if (IsExecutable(name)) return name;
    return Fail(ErrorCode::kUsage, "cannot execute " + name);
  }
  const std::string file = "millrace-" + name;
  std::vector<std::string> folders;
  if (const auto beside = ExecutableDir()) folders.push_back(*beside);
  const char* path = std::getenv("PATH");
  for (std::string_view rest = path != nullptr ? path : ""; !rest.empty();) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    if (end > 0) folders.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  for (const std::string& folder : folders) {
    if (IsExecutable(folder + "/" + file)) return folder + "/" + file;
  }
  return Fail(ErrorCode::kUsage,
              fmt::format("there is no {} beside this executable or in PATH", file));
}

Result<std::unique_ptr<LocalPipeline>> LocalPipeline::Start(const Clock& clock, const TempDir& dir,
                                                            Options options) {
  const Topology& topology = options.topology;
  ASSIGN_OR_RETURN(const std::string file, WriteTopology(dir, topology));
  ASSIGN_OR_RETURN(auto commands, WorkerCommands(topology, file, options.log_level));
  ASSIGN_OR_RETURN(const std::string executable, FindExecutable("broker"));
  ASSIGN_OR_RETURN(const net::Endpoint endpoint,
                   net::ParseEndpoint(topology.broker.ControlConnectEndpoint()));
  ASSIGN_OR_RETURN(net::Context context, net::Context::Create());
  ASSIGN_OR_RETURN(net::ControlClient control, net::ControlClient::Connect(context, endpoint));
  ChildOptions broker = CommandOf(executable, {"--topology", file}, options.log_level);
  // A broker that is started again goes on with what this one was told to do.
  const std::vector<std::string> first_only =
      options.hold ? std::vector<std::string>{"--hold"} : std::vector<std::string>{};
  std::unique_ptr<LocalPipeline> pipeline(new LocalPipeline(
      clock, std::move(options), std::move(context), std::move(control), std::move(broker)));
  RETURN_IF_ERROR(pipeline->broker_.Start(first_only));
  RETURN_IF_ERROR(pipeline->workers_.Start(std::move(commands)));
  return pipeline;
}

LocalPipeline::LocalPipeline(const Clock& clock, Options options, net::Context context,
                             net::ControlClient control, ChildOptions broker)
    : clock_(clock),
      on_line_(std::move(options.on_line)),
      longest_drain_(LongestDrainOf(options.topology)),
      context_(std::move(context)),
      control_(std::move(control)),
      broker_(clock, std::move(broker),
              {.on_line = [this](std::string_view line) { Forward("broker", line); },
               .on_death = [this](const ChildEnd& end) { TellDeath("the broker", end); }}),
      workers_(clock, {.on_line = [this](const std::string& worker,
                                         std::string_view line) { Forward(worker, line); },
                       .on_end = [this](const wire::Exit& exit) { TellExit(exit); },
                       .on_cannot_start =
                           [this](const std::string& worker, const std::string& reason) {
                             if (cannot_start_.empty()) cannot_start_ = WhyNot(worker, reason);
                           },
                       .on_frozen = [this](const std::string& text) { on_line_(text); }}) {}

std::vector<int> LocalPipeline::StderrFds() const {
  std::vector<int> fds = workers_.StderrFds();
  if (broker_.stderr_fd() >= 0) fds.push_back(broker_.stderr_fd());
  return fds;
}

std::optional<Instant> LocalPipeline::NextStep() const {
  Instant next = next_look_;
  for (const std::optional<Instant> at : {workers_.NextStep(), broker_.NextStep()}) {
    if (at) next = std::min(next, *at);
  }
  return next;
}

void LocalPipeline::Step() {
  broker_.Step();
  workers_.Step();
  // A worker that was between two links when the broker sent the others away has not heard of it.
  if (shutting_down_ && BrokerEnd() && !std::exchange(workers_told_, true)) {
    workers_.EndAll();
  }
  const Instant now = clock_.Now();
  if (now < next_look_) return;
  next_look_ = now + kLookEvery;
  workers_.Look();
  LookAtBroker();
}

// Counted in looks and not in seconds: while we are stopped ourselves, as by Ctrl-Z, nobody looks.
void LocalPipeline::LookAtBroker() {
  if (broker_.restarts() != watched_) {
    watched_ = broker_.restarts();
    lost_id_ = 0;
    answered_ = false;
    silent_looks_ = 0;
  }
  if (!broker_.running()) return;
  if (lost_id_ == 0) {
    lost_id_ = control_.Send(wire::LostRequest{workers_.host()}).value_or(0);
    return;
  }
  // One that starts may take long to open its state, and answers nobody meanwhile.
  const bool stopped = broker_.State() == 'T';
  silent_looks_ = answered_ || stopped ? silent_looks_ + 1 : 0;
  // One that is leaving may have a large state to close.
  const bool soon = interrupted_ && (!shutting_down_ || stopped);
  if (silent_looks_ < (soon ? kPatienceOnceInterrupted : kPatience)) {
    // The question may have been lost with a connection, and the broker not know of it.
    if (silent_looks_ > 0 && silent_looks_ % kAskAgain == 0) {
      lost_id_ = control_.Send(wire::LostRequest{workers_.host()}).value_or(0);
    }
    return;
  }
  silent_looks_ = 0;
  on_line_(fmt::format("the broker {}; it is killed{}",
                       stopped ? "is stopped" : "does not answer any more",
                       shutting_down_ ? "" : " and started again"));
  if (shutting_down_) return broker_.Kill(SIGKILL);
  broker_.Replace();
}

void LocalPipeline::OnReply(const wire::ReplyEnvelope& reply) {
  silent_looks_ = 0;
  if (reply.id != lost_id_) return;
  answered_ = true;  // by this one: other replies may be the last of the broker before it
  lost_id_ = 0;
  const auto* lost = std::get_if<wire::LostReply>(&reply.reply);
  if (lost == nullptr) return;
  for (const wire::LostProcess& process : lost->processes) workers_.GiveUp(process.pid);
}

void LocalPipeline::Forward(const std::string& name, std::string_view line) const {
  // Our own log lines say whose they are ("12:34:56.789 W preprocess-0: ..."); what a library
  // writes does not.
  if (line.find(" " + name + ": ") != std::string_view::npos) return on_line_(line);
  on_line_(fmt::format("{}: {}", name, line));
}

void LocalPipeline::TellDeath(const std::string& name, const ChildEnd& end) const {
  on_line_(fmt::format("{} died of {}; it is started again", name, DescribeEnd(end)));
}

void LocalPipeline::TellExit(const wire::Exit& exit) {
  if (!exit.expected && exit.signal != 0) {
    TellDeath(fmt::format("{}-{}", exit.stage, exit.replica),
              {.status = 0, .signal = static_cast<int>(exit.signal)});
  }
  // A broker that takes no requests is gone, and its end is seen elsewhere.
  [[maybe_unused]] const auto sent = control_.Send(exit);
}

int LocalPipeline::BrokerExitStatus() const {
  const ChildEnd misconfigured{.status = BrokerSupervisor::kWrongConfiguration, .signal = 0};
  return BrokerEnd() == misconfigured ? kExitUsage : kExitUnfinished;
}

void LocalPipeline::ExpectEnds() {
  interrupted_ = true;
  broker_.StopRestarting();
  workers_.StopRestarting();
}

void LocalPipeline::Shutdown() {
  ExpectEnds();
  shutting_down_ = true;
  workers_.KillAll(SIGCONT);  // one that is stopped could not hear that it is to leave
  if (!BrokerEnd() && control_.Send(wire::ShutdownRequest{})) return;
  workers_told_ = true;
  workers_.EndAll();
}

void LocalPipeline::ShutdownNow() {
  ExpectEnds();
  shutting_down_ = true;
  workers_told_ = true;
  if (!BrokerEnd()) {
    // One that takes no requests is waited for as long as the caller waits.
    [[maybe_unused]] const auto sent = control_.Send(wire::ShutdownRequest{.now = true});
  }
  workers_.KillAll(SIGKILL);
}

bool LocalPipeline::AllEnded() const { return BrokerEnd().has_value() && workers_.AllEnded(); }

void LocalPipeline::KillAll() {
  ExpectEnds();
  workers_.KillAll(SIGKILL);
  broker_.Kill(SIGKILL);
}

}  // namespace millrace::cli
