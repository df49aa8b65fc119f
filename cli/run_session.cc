#include "cli/run_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "cli/exit_status.h"
#include "common/net/poll_loop.h"

namespace millrace::cli {
namespace {

std::string SignalName(int signal) {
  if (signal == SIGINT) return "Ctrl-C";
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

// Said to whoever could insist.
std::string HowToInsist(int signal) {
  if (signal != SIGINT && signal != SIGTERM) return "";
  return fmt::format("; a second {} stops at once", SignalName(signal));
}

}  // namespace

LocalSession::LocalSession(const Clock& clock, SignalFd& signals, Terminal& terminal,
                           LocalPipeline& pipeline, SessionOptions options)
    : clock_(clock),
      signals_(signals),
      terminal_(terminal),
      pipeline_(pipeline),
      options_(std::move(options)),
      follower_(clock, pipeline.control(), terminal, options_.progress) {
  if (options_.ended != nullptr) ended_.emplace(clock, pipeline.control(), *options_.ended);
  follower_.set_remark_details(options_.remark_details);
}

SessionEnd LocalSession::Run(wire::ControlRequest request) {
  request_ = std::move(request);
  deadline_ = clock_.Now() + kStartDeadline;
  Submit();
  while (phase_ != Phase::kOver) {
    Wait();
    // Signals first: where the whole group got one, children that end after it must not be
    // restarted.
    HandleSignals();
    HandleReplies();
    pipeline_.Step();
    if (pipeline_.broker_restarts() != broker_restarts_) OnNewBroker();
    CheckPipeline();
    follower_.Step();
    FollowEnded();
    CheckTime();
    CheckDeadline();
  }
  terminal_.ShowLive("");
  end_.run = follower_.ended();
  return end_;
}

void LocalSession::Submit() {
  if (const auto sent = pipeline_.control().Send(request_)) {
    submit_id_ = *sent;  // queued until the broker is up
  } else {
    Trouble(sent.error().message, kExitUnfinished);
  }
}

void LocalSession::Wait() {
  std::optional<Instant> until = deadline_;
  for (const std::optional<Instant> instant :
       {follower_.NextStep(), ended_ && Follows() ? ended_->NextStep() : std::nullopt,
        pipeline_.NextStep(), StopAt()}) {
    if (instant && (!until || *instant < *until)) until = instant;
  }
  net::PollLoop loop;
  loop.OnReadable(signals_.fd(), [] {});
  loop.OnReadable(pipeline_.control().socket(), [] {});
  for (const int fd : pipeline_.StderrFds()) loop.OnReadable(fd, [] {});
  if (const auto ran = loop.RunOnce(clock_, until); !ran) {
    Trouble(ran.error().message, kExitUnfinished);
  }
}

void LocalSession::HandleSignals() {
  while (const std::optional<int> signal = signals_.Next()) {
    if (*signal == SIGCHLD) continue;  // Step asks every child
    switch (stop_signals_.Take(*signal, clock_.Now())) {
      case StopSignals::Meaning::kSame:
        break;
      case StopSignals::Meaning::kDrain:
        Interrupt(*signal);
        break;
      case StopSignals::Meaning::kNoted:
        terminal_.Print(fmt::format("{}: still finishing what is in flight{}", SignalName(*signal),
                                    HowToInsist(*signal)));
        break;
      case StopSignals::Meaning::kAtOnce:
        return Hurry(*signal);
    }
  }
}

void LocalSession::Interrupt(int signal) {
  if (phase_ == Phase::kLeaving) return;  // all is done but that
  terminal_.Print(
      fmt::format("{}: finishing what is in flight{}", SignalName(signal), HowToInsist(signal)));
  // A worker that got the signal too leaves by itself.
  pipeline_.ExpectEnds();
  if (phase_ == Phase::kStopping) return;  // the time was up, or there is no use in going on
  end_.signal = signal;
  Cancel("interrupted by " + SignalName(signal), StopDeadline(pipeline_.LongestDrain()));
}

void LocalSession::Hurry(int signal) {
  if (phase_ == Phase::kHurrying) return;  // a few seconds more, however often it comes
  terminal_.Print(fmt::format("{}: stopping at once", SignalName(signal)));
  end_.signal = signal;
  phase_ = Phase::kHurrying;
  deadline_ = clock_.Now() + kHurryDeadline;
  pipeline_.ShutdownNow();
}

void LocalSession::HandleReplies() {
  for (;;) {
    const auto reply = pipeline_.control().Receive();
    if (!reply && reply.error().code == ErrorCode::kProtocol) continue;  // a newer broker's
    if (!reply) return Trouble(reply.error().message, kExitUnfinished);
    if (!*reply) return;
    pipeline_.OnReply(**reply);
    follower_.OnReply(**reply);
    if (ended_) follower_.AddBytes(ended_->OnReply(**reply));
    if ((*reply)->id == submit_id_) OnSubmitReply((*reply)->reply);
  }
}

void LocalSession::OnSubmitReply(const wire::ControlReply& reply) {
  submit_id_ = 0;
  if (const auto* refused = std::get_if<wire::ErrorReply>(&reply)) {
    Trouble(refused->text, ExitStatusOf(ErrorCodeFromName(refused->code)));
  } else if (const auto* submitted = std::get_if<wire::Submitted>(&reply)) {
    follower_.Follow(submitted->run);
    options_.on_accepted();
    if (phase_ == Phase::kSubmitting) {
      phase_ = Phase::kRunning;
      deadline_.reset();
    } else if (phase_ == Phase::kStopping) {
      SendCancel();
    }
  }
}

void LocalSession::OnNewBroker() {
  broker_restarts_ = pipeline_.broker_restarts();
  if (phase_ == Phase::kSubmitting) deadline_ = clock_.Now() + kStartDeadline;
  // The old one may have taken it all the same: the new one then answers with that run.
  if (submit_id_ != 0) Submit();
  follower_.AskAnew();
  if (ended_) ended_->AskAnew();
  if (phase_ == Phase::kStopping) SendCancel();
}

void LocalSession::CheckPipeline() {
  if (phase_ == Phase::kOver) return;
  if (phase_ == Phase::kLeaving) {
    if (pipeline_.AllEnded()) phase_ = Phase::kOver;
    return;
  }
  if (phase_ == Phase::kHurrying) {
    if (!pipeline_.AllEnded()) return;
    // Its last message may still be on its way.
    if (follower_.ended() || !follower_.following()) phase_ = Phase::kOver;
    deadline_ = std::min(*deadline_, clock_.Now() + kLastWordDeadline);
    return;
  }
  if (follower_.ended()) return Leave();
  if (follower_.refused()) return Trouble(follower_.refused()->message, kExitUnfinished);
  if (const std::optional<ChildEnd>& broker = pipeline_.BrokerEnd()) {
    // One that was told to leave as we were says how the run ended first: that is on its way.
    if (end_.signal == 0 || *broker != ChildEnd{}) {
      Trouble(pipeline_.DescribeBrokerEnd(), pipeline_.BrokerExitStatus());
    } else {
      deadline_ = std::min(deadline_.value_or(Instant::max()), clock_.Now() + kLastWordDeadline);
    }
  } else if (end_.trouble.empty() && !pipeline_.cannot_start().empty()) {
    end_.trouble = pipeline_.cannot_start();
    end_.exit_status = kExitUsage;
    Cancel(end_.trouble, kGiveUpDeadline);
  }
}

bool LocalSession::Follows() const {
  return follower_.following() && !follower_.ended() &&
         (phase_ == Phase::kRunning || phase_ == Phase::kStopping);
}

void LocalSession::FollowEnded() {
  if (!ended_ || !Follows()) return;
  const auto stepped = ended_->Step(follower_.run());
  if (stepped || !end_.trouble.empty()) return;
  end_.trouble = stepped.error().message;
  end_.exit_status = kExitUnfinished;
  Cancel(end_.trouble, StopDeadline(pipeline_.LongestDrain()));
}

std::optional<Instant> LocalSession::StopAt() const {
  if (!options_.until || (phase_ != Phase::kSubmitting && phase_ != Phase::kRunning)) return {};
  const std::time_t left = std::max<std::time_t>(options_.until->at - std::time(nullptr), 0);
  return clock_.Now() + std::chrono::seconds(left);
}

void LocalSession::CheckTime() {
  const std::optional<Instant> stop_at = StopAt();
  if (!stop_at || clock_.Now() < *stop_at) return;
  end_.out_of_time = true;
  terminal_.Print(fmt::format("it is {}: finishing what is in flight", options_.until->text));
  Cancel(fmt::format("it is {}, as --until says", options_.until->text),
         StopDeadline(pipeline_.LongestDrain()));
}

void LocalSession::CheckDeadline() {
  if (!deadline_ || clock_.Now() < *deadline_ || phase_ == Phase::kOver) return;
  switch (phase_) {
    case Phase::kSubmitting:
      return Trouble("the broker does not answer", kExitUnfinished);
    case Phase::kStopping:
      if (end_.trouble.empty() && end_.signal == 0) {
        end_.trouble = "the run does not end";
        end_.exit_status = kExitUnfinished;
      }
      return Leave();
    case Phase::kHurrying:
      if (!follower_.ended() && end_.trouble.empty()) {
        end_.trouble = "the broker did not say in time how the run ended";
        end_.exit_status = kExitUnfinished;
      }
      [[fallthrough]];
    default:
      pipeline_.KillAll();
      phase_ = Phase::kOver;
  }
}

void LocalSession::Cancel(const std::string& reason, Duration within) {
  deadline_ = clock_.Now() + within;
  phase_ = Phase::kStopping;
  cancel_reason_ = reason;
  SendCancel();
}

void LocalSession::SendCancel() {
  if (!follower_.following()) return;  // once the broker has named the run
  // Where it cannot be sent, the deadline ends it.
  [[maybe_unused]] const auto sent =
      pipeline_.control().Send(wire::CancelRequest{follower_.run(), cancel_reason_});
}

void LocalSession::Leave() {
  phase_ = Phase::kLeaving;
  deadline_ = clock_.Now() + LeaveDeadline(pipeline_.LongestDrain());
  pipeline_.Shutdown();
}

void LocalSession::Trouble(std::string what, int exit_status) {
  if (end_.trouble.empty()) {
    end_.trouble = std::move(what);
    end_.exit_status = exit_status;
  }
  if (phase_ != Phase::kHurrying && phase_ != Phase::kOver) Leave();
}

}  // namespace millrace::cli
