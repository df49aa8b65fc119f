// The shell around WorkerCore: one thread that owns every socket and waits for sockets, signals and
// the handler.
#pragma once

#include <spdlog/logger.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/net/context.h"
#include "common/net/control_client.h"
#include "common/net/endpoint.h"
#include "common/net/poll_loop.h"
#include "common/os/signals.h"
#include "common/stage/handler.h"
#include "common/stage/worker_core.h"
#include "common/stage/worker_links.h"

namespace millrace {

struct WorkerConfig {
  wire::Hello hello;        // all but the attempt and the recipe
  std::string recipe_text;  // RecipeText; the stage's ingredients join it once it has started
  net::Endpoint control;
  WorkerSettings settings;
  Duration heartbeat = net::kLocalHeartbeat;
  bool supervised = false;  // somebody says when to leave, and tells the broker of its end
};

struct WorkerEnd {
  int status = 0;                        // for the process to leave with
  std::string reason;                    // for a person
  std::optional<Error> could_not_start;  // the stage: the broker has not heard of this worker
};

class WorkerLoop {
 public:
  // All must outlive the loop. The handler has just begun.
  static Result<std::unique_ptr<WorkerLoop>> Make(const WorkerConfig& config, net::Context& context,
                                                  SignalFd& signals, Handler& handler,
                                                  std::shared_ptr<spdlog::logger> log);

  // Until the worker has a reason to leave. The handler may still be busy then (Handler::busy).
  WorkerEnd Run();

 private:
  WorkerLoop(const WorkerConfig& config, net::Context& context, SignalFd& signals, Handler& handler,
             std::shared_ptr<spdlog::logger> log, net::ControlClient control);

  void OnSignal();
  void OnHandler();
  void OnControl();
  void CarryOut();
  void Do(SayHello& action);
  void Do(OpenLinks& action);
  void Do(CloseLinks& action);
  void Do(SendReport& action);
  void Do(StartProcess& action);
  void Do(CancelJobs& action);
  void Do(LeaseUntil& action);
  void Do(Leave& action);
  void LoseLinks(const std::string& why);
  void LogMalformed(const Error& error);

  const WorkerConfig& config_;
  net::Context& context_;
  SignalFd& signals_;
  Handler& handler_;
  std::shared_ptr<spdlog::logger> log_;
  SteadyClock clock_;
  net::PollLoop loop_;
  net::ControlClient control_;
  std::optional<WorkerCore> core_;  // once the stage has started
  std::unique_ptr<WorkerLinks> links_;
  std::string recipe_;  // likewise

  std::uint64_t hello_request_ = 0;  // the last one's number, and its attempt
  std::int64_t hello_attempt_ = 0;
  StopSignals stop_signals_;
  std::optional<WorkerEnd> end_;
  std::optional<Instant> malformed_logged_;
  std::uint64_t malformed_ = 0;
};

}  // namespace millrace
