// Broker: what somebody orders of runs: submit, retry, cancel, pause, resume.
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "broker/refusal.h"
#include "common/base/path_below.h"
#include "common/payload/meta.h"

namespace millrace {
namespace {

const std::string& OutputOf(const OpenRun& open) { return open.order.output; }
const std::string& OutputOf(const RetryRun& retry) { return retry.output; }

bool AskTheSame(const OpenRun& one, const OpenRun& other) {
  return one.order.SameWork(other.order);
}
bool AskTheSame(const RetryRun& one, const RetryRun& other) {
  return one.output == other.output && one.stage == other.stage && one.code == other.code;
}
template <typename One, typename Other>
bool AskTheSame(const One&, const Other&) {
  return false;
}

}  // namespace

Broker::Answer Broker::Take(const wire::Submit& submit, const std::string& identity,
                            std::uint64_t number) {
  if (shutting_down_) return Refusal(ErrorCode::kUnavailable, "the broker is shutting down");
  if (broken_) return Refusal(ErrorCode::kUnavailable, broken_->message);
  if (!IsAbsolutePath(submit.input) || !IsAbsolutePath(submit.output)) {
    return Refusal(ErrorCode::kUsage, "input and output must be absolute paths without NUL");
  }
  if (Result<Meta> options = Meta::Decode(submit.options); !options) {
    return Refusal(options.error().WithContext("the run's options"));
  }
  const RunOrder order{.input = submit.input,
                       .output = submit.output,
                       .options = submit.options,
                       .stop_at_failures = submit.stop_at_failures,
                       .stop_at_share = submit.stop_at_share,
                       .fresh = submit.fresh,
                       .verify_outputs = submit.verify_outputs,
                       .prune = submit.prune};
  RunFiles* live = LiveRunInto(submit.output);
  if (live == nullptr) {
    return OpenInState(OpenRun{order, UnixSeconds()}, identity, number);
  }
  const RunId run = live->spec.run;
  if (!live->order.SameWork(order)) {
    return Refusal(ErrorCode::kUnavailable,
                   "run " + std::to_string(run.value()) + " is writing to " + submit.output);
  }
  // Asked twice, since the first answer was lost, by a client or with the broker before this; or
  // one that is wanted again.
  if (live->pausing && !live->paused) {
    if (!std::exchange(live->resume_wanted, true)) Post(SetPhase{run, StoredPhase::kActive});
  } else if (live->paused) {
    if (Result<void> on = GoOn(*live); !on) return Refusal(on.error());
  } else if (live->closing || IsEnding(queue_.FindRun(run))) {
    live->kept.push_back({identity, number, submit});  // for when it is over
    return std::nullopt;
  }
  return OnceDurable(identity, number, wire::Submitted{run});
}

Broker::Answer Broker::Take(const wire::RetryRequest& retry, const std::string& identity,
                            std::uint64_t number) {
  if (shutting_down_) return Refusal(ErrorCode::kUnavailable, "the broker is shutting down");
  if (broken_) return Refusal(ErrorCode::kUnavailable, broken_->message);
  std::optional<std::int64_t> stage;
  if (!retry.stage.empty()) {
    const std::optional<StageIndex> index = FindStage(retry.stage);
    if (!index) {
      return Refusal(ErrorCode::kUsage,
                     "the topology " + topology_.name + " has no stage '" + retry.stage + "'");
    }
    stage = static_cast<std::int64_t>(*index);
  }
  if (!IsAbsolutePath(retry.output)) {
    return Refusal(ErrorCode::kUsage, "output must be an absolute path without NUL");
  }
  RetryRun wanted{retry.output, "", stage, retry.code};
  if (const RunFiles* live = LiveRunInto(retry.output); live != nullptr) {
    // Asked twice, since the first answer was lost.
    if (live->start_as == State::StartAs::kRetried && live->retry &&
        AskTheSame(*live->retry, wanted) && !live->closing) {
      return wire::Submitted{live->spec.run};
    }
    return Refusal(ErrorCode::kUnavailable, "run " + std::to_string(live->spec.run.value()) +
                                                " is writing to " + retry.output);
  }
  return OpenInState(std::move(wanted), identity, number);
}

Broker::Answer Broker::OpenInState(Opener opener, const std::string& identity,
                                   std::uint64_t number) {
  const std::string output = std::visit([](const auto& what) { return OutputOf(what); }, opener);
  if (const auto found = opening_.find(output); found != opening_.end()) {
    Opening& opening = found->second;
    const bool same =
        std::visit([](const auto& one, const auto& other) { return AskTheSame(one, other); },
                   opening.opener, opener);
    if (!same) {
      return Refusal(ErrorCode::kUnavailable, "another run is writing to " + output);
    }
    opening.askers.push_back({identity, number});
    return std::nullopt;
  }
  const bool make = std::holds_alternative<OpenRun>(opener);
  Result<HeldFolder> folder = ports_.HoldFolder(output, make);
  if (!folder) return Refusal(folder.error());
  opening_[output] = {opener, {{identity, number}}};
  if (auto* open = std::get_if<OpenRun>(&opener)) open->order.folder = folder->id;
  if (auto* retry = std::get_if<RetryRun>(&opener)) retry->folder = folder->id;
  StateRequest request =
      std::visit([](auto&& what) { return StateRequest(std::move(what)); }, std::move(opener));
  Post(std::move(request),
       [this, held = std::move(folder->hold), output](Result<StateAnswer> answer) {
         OnOpenedInState(output, held, std::move(answer));
       });
  return std::nullopt;
}

void Broker::OnOpenedInState(const std::string& output, std::shared_ptr<const void> folder,
                             Result<StateAnswer> answer) {
  const Opening opening = std::move(opening_.extract(output).mapped());
  wire::ControlReply reply = wire::Submitted{};
  if (answer) {
    const RunOpened opened = std::get<RunOpened>(std::move(*answer));
    const auto* retry = std::get_if<RetryRun>(&opening.opener);
    Opened(opened, std::move(folder),
           retry == nullptr ? State::StartAs::kSubmitted : State::StartAs::kRetried);
    if (retry != nullptr) runs_.at(opened.run).retry = *retry;
    reply = wire::Submitted{opened.run};
  } else {
    reply = Refusal(answer.error());
  }
  for (const Asker& asker : opening.askers) Reply(asker.identity, asker.number, reply);
}

Broker::Answer Broker::Take(const wire::CancelRequest& request, const std::string&, std::uint64_t) {
  const auto found = runs_.find(request.run);
  if (found == runs_.end()) {
    return Refusal(ErrorCode::kNotFound, "no run " + std::to_string(request.run.value()));
  }
  if (found->second.final_status) return wire::OkReply{};
  RunFiles& files = found->second;
  if (files.paused) {
    files.paused = files.pausing = files.starting = false;
    AddToQueue(request.run);
  }
  files.pausing = files.resume_wanted = false;
  queue_.StopRun(request.run, RunResult::kStopped,
                 request.reason.empty() ? "cancelled" : request.reason, clock_.Now());
  StartWhenKnown(request.run, /*anyway=*/true);
  return wire::OkReply{};
}

Broker::Answer Broker::Take(const wire::PauseRequest& request, const std::string& identity,
                            std::uint64_t number) {
  const auto found = runs_.find(request.run);
  if (found == runs_.end() || found->second.final_status) {
    return Refusal(ErrorCode::kNotFound,
                   "no run " + std::to_string(request.run.value()) + " is under way");
  }
  if (broken_) return Refusal(ErrorCode::kUnavailable, broken_->message);
  RunFiles& files = found->second;
  if (std::exchange(files.resume_wanted, false)) Post(SetPhase{request.run, StoredPhase::kPaused});
  const bool ending = files.closing || IsEnding(queue_.FindRun(request.run));
  if (ending && !files.pausing) {
    return Refusal(ErrorCode::kNotFound,
                   "run " + std::to_string(request.run.value()) + " is ending already");
  }
  if (!files.paused && !files.pausing) {
    files.pausing = true;
    Post(SetPhase{request.run, StoredPhase::kPaused});
    queue_.StopRun(request.run, RunResult::kPaused, "paused", clock_.Now());
    StartWhenKnown(request.run, /*anyway=*/true);
  }
  return OnceDurable(identity, number, wire::OkReply{});
}

Broker::Answer Broker::Take(const wire::ResumeRequest& request, const std::string& identity,
                            std::uint64_t number) {
  const auto found = runs_.find(request.run);
  if (found == runs_.end() || found->second.final_status) {
    return Refusal(ErrorCode::kNotFound,
                   "no run " + std::to_string(request.run.value()) + " is under way or paused");
  }
  if (shutting_down_) return Refusal(ErrorCode::kUnavailable, "the broker is shutting down");
  if (broken_) return Refusal(ErrorCode::kUnavailable, broken_->message);
  RunFiles& files = found->second;
  if (files.paused) {
    if (Result<void> on = GoOn(files); !on) return Refusal(on.error());
  } else if (files.pausing && !std::exchange(files.resume_wanted, true)) {
    // What is in flight is still coming in. Recorded now: the next broker is to go on with it.
    Post(SetPhase{request.run, StoredPhase::kActive});
  }
  return OnceDurable(identity, number, wire::OkReply{});
}

}  // namespace millrace
