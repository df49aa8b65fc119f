// millrace up TOPOLOGY and millrace down TOPOLOGY: a pipeline that stays, for many runs.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <utility>

#include "cli/broker_choice.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/local_pipeline.h"
#include "cli/terminal.h"
#include "cli/topology_choice.h"
#include "common/net/poll_loop.h"
#include "common/os/signals.h"

namespace millrace::cli {
namespace {

// For the broker to write the reports of what was under way, once somebody insists.
constexpr Duration kHurryDeadline = std::chrono::seconds(5);

// Keeps the pipeline running until it is told to stop or cannot go on.
class Upkeep {
 public:
  Upkeep(const Clock& clock, SignalFd& signals, Terminal& terminal, LocalPipeline& pipeline)
      : clock_(clock), signals_(signals), terminal_(terminal), pipeline_(pipeline) {}

  int Run() {
    while (!over_) {
      Wait();
      HandleSignals();
      HandleReplies();
      pipeline_.Step();
      CheckPipeline();
    }
    return exit_status_;
  }

 private:
  void Wait() {
    std::optional<Instant> until = pipeline_.NextStep();
    if (deadline_ && (!until || *deadline_ < *until)) until = deadline_;
    net::PollLoop loop;
    loop.OnReadable(signals_.fd(), [] {});
    loop.OnReadable(pipeline_.control().socket(), [] {});
    for (const int fd : pipeline_.StderrFds()) loop.OnReadable(fd, [] {});
    if (const auto ran = loop.RunOnce(clock_, until); !ran) Stop(ran.error().message, 3);
  }

  void HandleSignals() {
    while (const std::optional<int> signal = signals_.Next()) {
      if (*signal == SIGCHLD) continue;
      switch (stop_signals_.Take(*signal, clock_.Now())) {
        case StopSignals::Meaning::kSame:
        case StopSignals::Meaning::kNoted:
          break;
        case StopSignals::Meaning::kDrain:
          Stop("stopping: what is in flight finishes; a second Ctrl-C or SIGTERM stops at once",
               kExitDone);
          break;
        case StopSignals::Meaning::kAtOnce:
          if (std::exchange(hurrying_, true)) break;  // a few seconds more, however often it comes
          terminal_.Print("millrace: stopping at once");
          deadline_ = clock_.Now() + kHurryDeadline;
          pipeline_.ShutdownNow();
          break;
      }
    }
  }

  // Nothing was asked but to note ends and, at last, to leave.
  void HandleReplies() {
    for (;;) {
      const auto reply = pipeline_.control().Receive();
      if (reply && !*reply) return;
      if (reply) pipeline_.OnReply(**reply);
      if (!reply && reply.error().code != ErrorCode::kProtocol) {
        return Stop(reply.error().message, kExitUnfinished);
      }
    }
  }

  void CheckPipeline() {
    const std::optional<ChildEnd>& broker = pipeline_.BrokerEnd();
    if (deadline_) {
      if (pipeline_.AllEnded()) over_ = true;
      if (clock_.Now() >= *deadline_) {
        pipeline_.KillAll();
        over_ = true;
      }
    } else if (broker) {
      // `millrace down` makes it leave by itself.
      const bool told = *broker == ChildEnd{};
      Stop(told ? "the pipeline is down" : pipeline_.DescribeBrokerEnd(),
           told ? kExitDone : pipeline_.BrokerExitStatus());
    } else if (!pipeline_.cannot_start().empty()) {
      Stop(pipeline_.cannot_start(), kExitUsage);
    }
  }

  void Stop(const std::string& why, int exit_status) {
    if (deadline_) return;
    terminal_.Print("millrace: " + why);
    exit_status_ = exit_status;
    deadline_ = clock_.Now() + pipeline_.LongestDrain() + std::chrono::seconds(5);
    pipeline_.Shutdown();
  }

  const Clock& clock_;
  SignalFd& signals_;
  StopSignals stop_signals_;
  Terminal& terminal_;
  LocalPipeline& pipeline_;
  std::optional<Instant> deadline_;  // set once it is stopping
  bool hurrying_ = false;
  bool over_ = false;
  int exit_status_ = kExitDone;
};

// Where the topology is not at its own address, by --set or a parameter, the others have to be
// told.
std::string SubmitAdvice(const TopologyChoice& choice, const Topology& topology) {
  const std::string address = topology.broker.ControlConnectEndpoint();
  const Result<Topology> as_written = LoadElsewhere(choice.topology);
  const bool moved = !as_written || as_written->broker.ControlConnectEndpoint() != address;
  return fmt::format("millrace: {} at {}; submit to it with: millrace submit {} INPUT OUTPUT{}",
                     topology.name, address, choice.topology, moved ? " --broker " + address : "");
}

Result<int> KeepUp(const TopologyChoice& choice) {
  ASSIGN_OR_RETURN(SignalFd signals, SignalFd::Open());  // before any thread
  ASSIGN_OR_RETURN(const TempDir dir, TempDir::Create());
  ASSIGN_OR_RETURN(Topology topology, LoadChosen(choice));
  const SteadyClock clock;
  Terminal terminal(STDERR_FILENO);
  terminal.Print(SubmitAdvice(choice, topology));
  ASSIGN_OR_RETURN(const std::unique_ptr<LocalPipeline> pipeline,
                   LocalPipeline::Start(
                       clock, dir,
                       {.topology = std::move(topology),
                        .log_level = "",
                        .on_line = [&terminal](std::string_view line) { terminal.Print(line); }}));
  return Upkeep(clock, signals, terminal, *pipeline).Run();
}

Result<void> TakeDown(const BrokerChoice& broker) {
  ASSIGN_OR_RETURN(auto link, BrokerClient::Connect(broker));
  RETURN_IF_ERROR(link->Ask<wire::OkReply>(wire::ShutdownRequest{}));
  return {};
}

}  // namespace

void AddUpCommand(CLI::App& app, Action& chosen, const std::vector<std::string>& arguments) {
  auto choice = std::make_shared<TopologyChoice>();
  CLI::App* command = app.add_subcommand(
      "up", "Keep a topology's broker and workers running here, in the foreground");
  AddTopologyOptions(*command, *choice);
  AddParameterOptions(*command, *choice, arguments);
  AddStageOptionsHelp(*command, arguments);
  command->footer(
      "On the addresses that the topology names, until `millrace down`, Ctrl-C, SIGTERM, SIGHUP,\n"
      "SIGUSR1 or SIGUSR2: what is in flight finishes. A second Ctrl-C or SIGTERM, a second or\n"
      "more later, stops at once; the reports of what was under way are still written.\n\n"
      "Examples:\n"
      "  millrace up demo\n"
      "  millrace up face-parsing --weights models/79999_iter.pth --set preprocess.replicas=4");
  command->callback([choice, &chosen] {
    chosen = [choice] {
      const Result<int> status = KeepUp(*choice);
      return status ? *status : PrintError(status.error());
    };
  });
}

void AddDownCommand(CLI::App& app, Action& chosen) {
  auto broker = std::make_shared<BrokerChoice>();
  CLI::App* command = app.add_subcommand(
      "down", "Stop a pipeline that is up: workers finish what they hold, the broker leaves last");
  command
      ->add_option("TOPOLOGY", broker->topology,
                   "The topology that is up: a file, or a name as for `millrace run`")
      ->required();
  AddMovedBrokerOption(*command, *broker);
  command->footer(
      "Examples:\n"
      "  millrace down demo\n"
      "  millrace down demo --broker tcp://127.0.0.1:7800    # up with --set broker.control=7800");
  command->callback([broker, &chosen] {
    chosen = [broker] {
      const Result<void> down = TakeDown(*broker);
      return down ? kExitDone : PrintError(down.error());
    };
  });
}

}  // namespace millrace::cli
