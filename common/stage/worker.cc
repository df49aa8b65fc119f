#include "common/stage/worker.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include "common/base/log.h"
#include "common/net/context.h"
#include "common/net/control_client.h"
#include "common/os/limits.h"
#include "common/os/signals.h"
#include "common/stage/handler.h"
#include "common/stage/worker_arguments.h"
#include "common/stage/worker_loop.h"

namespace millrace {
namespace {

constexpr int kCannotStart = static_cast<int>(WorkerExit::kCannotStart);
constexpr Duration kTellTimeout = std::chrono::seconds(2);

// A supervisor tells the broker how its workers end. Without one a worker that cannot start says so
// itself, else a run would wait for it for ever. A broker that does not answer is no further
// trouble.
void TellBroker(const WorkerArguments& arguments, const Error& error) {
  if (IsSupervised()) return;
  const auto tell = [&]() -> Result<void> {
    ASSIGN_OR_RETURN(FailedStart failed, MakeFailedStart(arguments, error));
    ASSIGN_OR_RETURN(net::Context context, net::Context::Create());
    ASSIGN_OR_RETURN(auto control, net::ControlClient::Connect(context, failed.control));
    RETURN_IF_ERROR(control.Call(std::move(failed.exit), kTellTimeout));
    return {};
  };
  (void)tell();
}

int CannotStart(const StageDefinition& definition, const Error& error) {
  std::fprintf(stderr, "%s: cannot start: %s\n", definition.executable.c_str(),
               error.message.c_str());
  return kCannotStart;
}

// The context's end, on the way out, delivers what was sent.
Result<WorkerEnd> Work(const WorkerConfig& config, SignalFd& signals, Handler& handler,
                       const std::shared_ptr<spdlog::logger>& log) {
  ASSIGN_OR_RETURN(net::Context context, net::Context::Create());
  ASSIGN_OR_RETURN(auto loop, WorkerLoop::Make(config, context, signals, handler, log));
  return loop->Run();
}

}  // namespace

int RunWorker(int argc, char** argv, const StageDefinition& definition) {
  const auto arguments = ParseWorkerArguments(argc, argv, definition);
  if (!arguments) return CannotStart(definition, arguments.error());
  if (!*arguments) return 0;
  auto setup = MakeWorkerSetup(**arguments, definition);
  if (!setup) {
    TellBroker(**arguments, setup.error());
    return CannotStart(definition, setup.error());
  }
  auto signals = SignalFd::Open();
  if (!signals) return CannotStart(definition, signals.error());
  if (const auto raised = RaiseOpenFiles(); !raised) {
    return CannotStart(definition, raised.error());
  }

  const auto log = MakeLogger(setup->context.stage + "-" + std::to_string(setup->context.replica),
                              setup->log_level);
  setup->context.log = log;
  auto handler = Handler::Begin(definition.make, setup->context);
  if (!handler) return CannotStart(definition, handler.error());

  auto end = Work(setup->config, *signals, **handler, log);
  if (!end) end = WorkerEnd{kCannotStart, "cannot start: " + end.error().message};
  const bool broken = end->status == static_cast<int>(WorkerExit::kStageBroken);
  if (end->status == kCannotStart || broken) {
    log->error("{}", end->reason);
    if (end->could_not_start) TellBroker(**arguments, *end->could_not_start);
  } else {
    log->info("leaving: {}", end->reason);
  }
  // A thread inside the stage cannot be joined, and destroying what it uses would crash it. Nor is
  // a stage destroyed whose device may refuse to free anything.
  if ((*handler)->busy() || broken) {
    std::fflush(nullptr);
    _exit(end->status);
  }
  return end->status;
}

}  // namespace millrace
