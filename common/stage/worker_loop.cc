#include "common/stage/worker_loop.h"

#include <csignal>
#include <utility>

#include "common/stage/recipe.h"

namespace millrace {
namespace {

constexpr Duration kMalformedPause = std::chrono::minutes(1);

int Status(WorkerExit exit) { return static_cast<int>(exit); }

}  // namespace

WorkerLoop::WorkerLoop(const WorkerConfig& config, net::Context& context, SignalFd& signals,
                       Handler& handler, std::shared_ptr<spdlog::logger> log,
                       net::ControlClient control)
    : config_(config),
      context_(context),
      signals_(signals),
      handler_(handler),
      log_(std::move(log)),
      control_(std::move(control)) {
  loop_.OnReadable(signals_.fd(), [this] { OnSignal(); });
  loop_.OnReadable(handler_.event_fd(), [this] { OnHandler(); });
  loop_.OnReadable(control_.socket(), [this] { OnControl(); });
}

Result<std::unique_ptr<WorkerLoop>> WorkerLoop::Make(const WorkerConfig& config,
                                                     net::Context& context, SignalFd& signals,
                                                     Handler& handler,
                                                     std::shared_ptr<spdlog::logger> log) {
  ASSIGN_OR_RETURN(auto control, net::ControlClient::Connect(context, config.control));
  return std::unique_ptr<WorkerLoop>(
      new WorkerLoop(config, context, signals, handler, std::move(log), std::move(control)));
}

WorkerEnd WorkerLoop::Run() {
  while (!end_) {
    const auto deadline = core_ ? core_->NextDeadline() : std::nullopt;
    if (auto ran = loop_.RunOnce(clock_, deadline); !ran) {
      return {Status(WorkerExit::kLostBroker), ran.error().message};
    }
    if (!core_) continue;
    core_->SetProgress(handler_.progress());
    core_->Tick(clock_.Now());
    CarryOut();
  }
  return *end_;
}

void WorkerLoop::OnSignal() {
  while (const std::optional<int> signal = signals_.Next()) {
    if (*signal == SIGCHLD || (*signal == SIGINT && config_.supervised)) continue;
    const StopSignals::Meaning meaning = stop_signals_.Take(*signal, clock_.Now());
    if (meaning == StopSignals::Meaning::kAtOnce || !core_) {
      end_ = WorkerEnd{128 + *signal, core_ ? "told twice to leave" : "told to leave at its start"};
      return;
    }
    if (meaning != StopSignals::Meaning::kDrain) continue;
    log_->info("leaving: finishing what is under way");
    core_->Drain(clock_.Now());
  }
}

void WorkerLoop::OnHandler() {
  auto event = handler_.TakeEvent();
  if (!event) return;
  if (auto* finished = std::get_if<HandlerFinished>(&*event)) {
    core_->Finished(std::move(finished->outcomes), clock_.Now());
    return;
  }
  if (auto* broken = std::get_if<HandlerBroken>(&*event)) {
    end_ = WorkerEnd{Status(WorkerExit::kStageBroken), std::move(broken->why)};
    return;
  }
  Result<std::string> recipe = std::move(std::get<HandlerStarted>(*event).ingredients);
  if (recipe) recipe = RecipeDigest(config_.recipe_text, *recipe);
  if (!recipe) {
    end_ = WorkerEnd{.status = Status(WorkerExit::kCannotStart),
                     .reason = "cannot start: " + recipe.error().message,
                     .could_not_start = recipe.error()};
    return;
  }
  recipe_ = std::move(*recipe);
  core_.emplace(config_.settings, clock_.Now());
}

void WorkerLoop::OnControl() {
  for (;;) {
    auto reply = control_.Receive();
    if (!reply) {
      LogMalformed(reply.error());
      if (reply.error().code != ErrorCode::kProtocol) return;
      continue;
    }
    if (!*reply) return;
    if (!core_ || (*reply)->id != hello_request_) continue;
    if (auto* welcome = std::get_if<wire::Welcome>(&(*reply)->reply)) {
      core_->Welcomed(hello_attempt_, std::move(*welcome), clock_.Now());
    } else if (const auto* error = std::get_if<wire::ErrorReply>(&(*reply)->reply)) {
      const ErrorCode code = ErrorCodeFromName(error->code);
      // What may pass is no trouble of this worker's: a broker that leaves says so to whoever
      // joins.
      log_->log(code == ErrorCode::kUnavailable ? spdlog::level::info : spdlog::level::warn,
                "the broker does not take this worker: {}", error->text);
      core_->Refused(hello_attempt_, Error{code, error->text}, clock_.Now());
    }
  }
}

void WorkerLoop::CarryOut() {
  // An action may fail and so be an event, which gives further actions.
  for (auto actions = core_->TakeActions(); !actions.empty(); actions = core_->TakeActions()) {
    for (WorkerAction& action : actions) {
      std::visit([this](auto& each) { Do(each); }, action);
    }
  }
}

void WorkerLoop::Do(SayHello& action) {
  wire::Hello hello = config_.hello;
  hello.attempt = action.attempt;
  hello.recipe = recipe_;
  hello_attempt_ = action.attempt;
  auto sent = control_.Send(std::move(hello));
  if (sent) {
    hello_request_ = *sent;
  } else {
    log_->debug("{}", sent.error().message);
  }
}

void WorkerLoop::Do(OpenLinks& action) {
  WorkerLinks::Events events{
      .message =
          [this](wire::FeedMessage message) { core_->Received(std::move(message), clock_.Now()); },
      .malformed = [this](const Error& error) { LogMalformed(error); },
      .up =
          [this, id = action.welcome.link.incarnation.value()] {
            log_->info("at work as incarnation {}", id);
            core_->LinksUp(clock_.Now());
          },
      .lost = [this](const std::string& why) { LoseLinks(why); },
  };
  auto links = WorkerLinks::Open(context_, loop_, config_.control, action.welcome,
                                 config_.heartbeat, std::move(events));
  if (!links) return LoseLinks(links.error().message);
  links_ = std::move(*links);
}

void WorkerLoop::Do(CloseLinks& /*action*/) { links_.reset(); }

void WorkerLoop::Do(SendReport& action) {
  if (!links_) return;  // lost by an earlier action of this round
  const auto sent = links_->Send(action.report);
  if (!sent) return LoseLinks(sent.error().message);
  if (!*sent) LoseLinks("the reports link takes nothing");
}

void WorkerLoop::Do(StartProcess& action) { handler_.Process(std::move(action.jobs)); }

void WorkerLoop::Do(CancelJobs& action) { handler_.Cancel(action.jobs); }

void WorkerLoop::Do(LeaseUntil& action) { handler_.SetLeaseUntil(action.instant); }

void WorkerLoop::Do(Leave& action) { end_ = WorkerEnd{Status(action.exit), action.reason}; }

void WorkerLoop::LoseLinks(const std::string& why) {
  log_->debug("{}", why);
  core_->LinkLost(clock_.Now());
}

void WorkerLoop::LogMalformed(const Error& error) {
  ++malformed_;
  const Instant now = clock_.Now();
  if (malformed_logged_ && now - *malformed_logged_ < kMalformedPause) return;
  malformed_logged_ = now;
  log_->warn("dropped a malformed message of the broker ({} so far): {}", malformed_,
             error.message);
}

}  // namespace millrace
