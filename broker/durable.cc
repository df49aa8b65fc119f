// Broker: its state, and what may be told of it.
#include <chrono>
#include <utility>

#include "broker/broker.h"

namespace millrace {
namespace {

constexpr std::int64_t kMaxEndedRuns = 1000;  // whose status is kept at hand
// For whoever waits to learn why, before the broker leaves over a state that it cannot write.
constexpr Duration kLastWords = std::chrono::seconds(2);

}  // namespace

std::int64_t Broker::UnixSeconds() const {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Result<void> Broker::Restore(State& state) {
  ASSIGN_OR_RETURN(std::vector<RunRow> rows, state.Latest(kMaxEndedRuns));
  for (RunRow& row : rows) {
    RestoreRun(std::move(row));
  }
  return {};
}

void Broker::Start() {
  for (const auto& [id, run] : queue_.runs()) StartWhenKnown(id);
  ForgetOldRuns();
}

void Broker::ForgetOldRuns() {
  const BrokerConfig& config = topology_.broker;
  if (config.keep_runs == 0 && config.keep_for == Duration::zero()) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(config.keep_for).count();
  Post(ForgetRuns{config.keep_runs, seconds > 0 ? UnixSeconds() - seconds : 0});
}

void Broker::RestoreRun(RunRow row) {
  const bool over = row.phase == StoredPhase::kDone || row.phase == StoredPhase::kStopped;
  const bool held = row.phase == StoredPhase::kActive && options_.hold;
  if (held) return;  // its order, submitted again, goes on with it
  RunFiles files;
  files.order = row.order;
  files.spec = {row.id, row.order.input, row.order.output, row.order.options};
  if (over) {
    files.final_status = DecodeStatus(row.final_status);
    if (files.final_status) runs_.emplace(row.id, std::move(files));
    return;
  }
  Result<std::shared_ptr<const void>> folder = HoldItsFolder(row.order);
  if (!folder) {
    log_->error("run {} cannot go on: {}", row.id.value(), folder.error().message);
    return;
  }
  files.folder = std::move(*folder);
  ports_.ClearFolder(row.order.output);
  files.start_as = State::StartAs::kRestored;
  files.has_history = true;  // its workers come back, and say by what recipe they go on
  files.paused = row.phase == StoredPhase::kPaused;
  if (files.paused) {
    files.last_status = {
        .run = row.id, .input = row.order.input, .output = row.order.output, .state = "paused"};
  }
  log_->info("run {} of an earlier broker {}: {} to {}", row.id.value(),
             files.paused ? "is paused" : "goes on", row.order.input, row.order.output);
  const bool paused = files.paused;
  runs_.emplace(row.id, std::move(files));
  if (!paused) AddToQueue(row.id);
}

void Broker::Post(StateRequest request, Done done) {
  if (broken_) return;
  last_posted_ = ports_.Post(std::move(request));
  if (done) asked_.emplace(last_posted_, std::move(done));
}

void Broker::OnState() {
  StateProgress progress = ports_.TakeProgress();
  durable_ = progress.durable;
  for (StateAnswered& answered : progress.answers) {
    const auto asked = asked_.find(answered.number);
    if (asked == asked_.end()) continue;
    const Done done = std::move(asked->second);
    asked_.erase(asked);
    done(std::move(answered.answer));
  }
  TellWhatIsDurable();
  if (progress.broken && !broken_) Broke(*progress.broken);
}

void Broker::TellWhatIsDurable() {
  while (!held_confirms_.empty() && held_confirms_.front().after <= durable_) {
    Send(held_confirms_.front().confirm);
    held_confirms_.pop_front();
  }
  while (!held_replies_.empty() && held_replies_.front().after <= durable_) {
    HeldReply& held = held_replies_.front();
    Reply(held.identity, held.request, std::move(held.reply));
    held_replies_.pop_front();
  }
}

Broker::Answer Broker::OnceDurable(const std::string& identity, std::uint64_t request,
                                   wire::ControlReply reply) {
  held_replies_.push_back({last_posted_, identity, request, std::move(reply)});
  return std::nullopt;
}

void Broker::Broke(const Error& error) {
  broken_ = error;
  broken_->message +=
      "; nothing more is taken or confirmed, and what was not on disk is done "
      "again after a restart";
  broken_until_ = clock_.Now() + kLastWords;
  log_->error("{}", broken_->message);
  for (auto& [number, done] : std::exchange(asked_, {})) done(Fail(*broken_));
}

std::optional<wire::ErrorReply> Broker::TakeRecipe(StageIndex stage, const wire::Hello& hello) {
  std::optional<std::string>& known = recipes_[stage];
  if (known && *known == hello.recipe) return std::nullopt;
  if (known) {
    // A run that has not begun takes whatever recipe its workers have by then.
    std::string by;
    for (const auto& [id, files] : runs_) {
      if (files.starting && !files.closing && !files.paused && !files.final_status) {
        by = "run " + std::to_string(id.value());
      }
    }
    for (const auto& [id, worker] : queue_.workers()) {
      if (by.empty() && worker.stage == stage && worker.boot != hello.boot) {
        by = "another worker (replica " + std::to_string(worker.replica) + ")";
      }
    }
    if (!by.empty()) {
      return wire::ErrorReply{
          std::string(ErrorCodeName(ErrorCode::kUsage)),
          "this worker's options or model are not those that " + by + " goes by in stage " +
              hello.stage +
              ": outputs of one run would differ. Let it end, or stop it, before a "
              "change"};
    }
  }
  known = hello.recipe;
  for (auto& [id, files] : runs_) {
    if (files.final_status || files.paused || files.closing) continue;
    if (files.starting) {
      Post(SetRecipe{id, static_cast<std::int64_t>(stage), hello.recipe});
    } else {
      StartWhenKnown(id);
    }
  }
  return std::nullopt;
}

void Broker::StartWhenKnown(RunId id, bool anyway) {
  RunFiles& files = runs_.at(id);
  if (files.starting || files.paused || files.closing || files.final_status) return;
  if (!anyway && files.has_history) {
    for (std::size_t stage = 1; stage < recipes_.size(); ++stage) {
      if (!recipes_[stage]) return;
    }
  }
  files.starting = true;
  const State::StartAs how = anyway ? State::StartAs::kToEnd : files.start_as;
  Post(StartRun{id, recipes_, how}, [this, id](Result<StateAnswer> answer) {
    if (answer) queue_.StartRun(id, std::get<RunStart>(std::move(*answer)), clock_.Now());
  });
}

bool Broker::IsEnding(const Run* run) {
  return run != nullptr && run->phase >= RunPhase::kStopping;
}

void Broker::EndUnbegun() {
  std::vector<RunId> unbegun;
  for (const auto& [id, run] : queue_.runs()) {
    if (!run.started && IsEnding(&run)) unbegun.push_back(id);
  }
  for (const RunId id : unbegun) StartWhenKnown(id, /*anyway=*/true);
}

}  // namespace millrace
