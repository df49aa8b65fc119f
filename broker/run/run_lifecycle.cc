#include "broker/run/run_lifecycle.h"

#include <algorithm>
#include <array>

#include "common/base/check.h"

namespace millrace {
namespace {

using S = life::State;
using E = life::Event;

// Every step that there is. What is not here is refused, or comes too late and changes nothing.
const std::vector<life::Transition>& Table() {
  static const std::vector<life::Transition> table = {
      // Opening: what is to become of it may change until its folder is held and it is recorded.
      {S::kOpening, E::kSubmit, {S::kOpening}},
      {S::kOpening, E::kRetry, {S::kOpening}},
      {S::kOpening, E::kPause, {S::kOpening}},
      {S::kOpening, E::kResume, {S::kOpening}},
      {S::kOpening, E::kCancel, {S::kOpening}},
      {S::kOpening, E::kStop, {S::kOpening, S::kEnded}},
      {S::kOpening, E::kLeave, {S::kOpening, S::kEnded}},
      {S::kOpening, E::kFolderHeld, {S::kOpening, S::kLoading, S::kPaused, S::kStopping}},
      {S::kOpening, E::kFolderRefused, {S::kPaused, S::kStopping, S::kEnded}},
      {S::kOpening, E::kOpened, {S::kLoading, S::kPaused, S::kStopping}},
      {S::kOpening, E::kOpenRefused, {S::kEnded}},

      {S::kLoading, E::kSubmit, {S::kLoading}},
      {S::kLoading, E::kRetry, {S::kLoading}},
      {S::kLoading, E::kPause, {S::kPausing, S::kPaused}},
      {S::kLoading, E::kResume, {S::kLoading}},
      {S::kLoading, E::kCancel, {S::kStopping}},
      {S::kLoading, E::kStop, {S::kStopping}},
      {S::kLoading, E::kLeave, {S::kPausing, S::kPaused}},
      {S::kLoading, E::kRecipesKnown, {S::kLoading}},
      {S::kLoading, E::kLoaded, {S::kActive}},

      {S::kActive, E::kSubmit, {S::kActive}},
      {S::kActive, E::kRetry, {S::kActive}},
      {S::kActive, E::kPause, {S::kPausing}},
      {S::kActive, E::kResume, {S::kActive}},
      {S::kActive, E::kCancel, {S::kStopping}},
      {S::kActive, E::kStop, {S::kStopping}},
      {S::kActive, E::kLeave, {S::kPausing}},
      {S::kActive, E::kQueueStops, {S::kStopping}},
      {S::kActive, E::kQueueEnded, {S::kClosing}},

      // Pausing: it may be resumed before it is paused, and then opens again.
      {S::kPausing, E::kSubmit, {S::kPausing}},
      {S::kPausing, E::kRetry, {S::kPausing}},
      {S::kPausing, E::kPause, {S::kPausing}},
      {S::kPausing, E::kResume, {S::kPausing}},
      {S::kPausing, E::kCancel, {S::kStopping}},
      {S::kPausing, E::kStop, {S::kStopping}},
      {S::kPausing, E::kLeave, {S::kPausing}},
      {S::kPausing, E::kLoaded, {S::kActive, S::kPaused}},
      {S::kPausing, E::kQueueStops, {S::kStopping}},
      {S::kPausing, E::kQueuePaused, {S::kOpening, S::kPaused}},
      {S::kPausing, E::kQueueEnded, {S::kClosing}},

      // Paused: whatever is to be done with it, its folder is verified first.
      {S::kPaused, E::kSubmit, {S::kOpening}},
      {S::kPaused, E::kRetry, {S::kOpening}},
      {S::kPaused, E::kPause, {S::kPaused}},
      {S::kPaused, E::kResume, {S::kOpening}},
      {S::kPaused, E::kCancel, {S::kOpening}},
      {S::kPaused, E::kStop, {S::kPaused}},
      {S::kPaused, E::kLeave, {S::kPaused}},

      {S::kStopping, E::kSubmit, {S::kStopping}},
      {S::kStopping, E::kRetry, {S::kStopping}},
      {S::kStopping, E::kCancel, {S::kStopping}},
      {S::kStopping, E::kStop, {S::kStopping}},
      {S::kStopping, E::kLeave, {S::kStopping}},
      {S::kStopping, E::kLoaded, {S::kClosing}},
      {S::kStopping, E::kQueueStops, {S::kStopping}},
      {S::kStopping, E::kQueuePaused, {S::kClosing}},
      {S::kStopping, E::kQueueEnded, {S::kClosing}},

      {S::kClosing, E::kSubmit, {S::kClosing}},
      {S::kClosing, E::kRetry, {S::kClosing}},
      {S::kClosing, E::kCancel, {S::kClosing}},
      {S::kClosing, E::kStop, {S::kClosing}},
      {S::kClosing, E::kLeave, {S::kClosing}},
      {S::kClosing, E::kClosed, {S::kEnded}},

      {S::kEnded, E::kCancel, {S::kEnded}},
  };
  return table;
}

bool Allows(S from, E event, S to) {
  return std::any_of(Table().begin(), Table().end(), [&](const life::Transition& row) {
    return row.from == from && row.event == event &&
           std::find(row.to.begin(), row.to.end(), to) != row.to.end();
  });
}

}  // namespace

namespace life {

std::span<const Transition> Transitions() { return Table(); }

std::string StateName(State state) {
  constexpr std::array<const char*, kStates> kNames = {"Opening", "Loading",  "Active",  "Pausing",
                                                       "Paused",  "Stopping", "Closing", "Ended"};
  return kNames.at(static_cast<std::size_t>(state));
}

std::string EventName(Event event) {
  constexpr std::array<const char*, kEvents> kNames = {
      "submit", "retry",       "pause",          "resume",      "cancel",       "stop",
      "leave",  "folder held", "folder refused", "opened",      "open refused", "recipes known",
      "loaded", "queue stops", "queue paused",   "queue ended", "closed"};
  return kNames.at(static_cast<std::size_t>(event));
}

}  // namespace life

RunLifecycle RunLifecycle::New(LoadMode mode) {
  RunLifecycle life;
  life.next_load_ = mode;
  return life;
}

RunLifecycle RunLifecycle::Restored(RunId run, bool paused) {
  RunLifecycle life;
  life.run_ = run;
  life.next_load_ = LoadMode::kRestored;
  life.needs_recipes_ = true;  // its workers come back, and say by what recipe they continue
  life.recorded_paused_ = paused;
  life.then_ = paused ? Then::kPause : Then::kContinue;
  life.on_refusal_ = paused ? S::kPaused : S::kEnded;
  return life;
}

RunLifecycle RunLifecycle::Over(RunId run) {
  RunLifecycle life;
  life.run_ = run;
  life.state_ = S::kEnded;
  return life;
}

// --- guards

Result<void> RunLifecycle::MayOpen(const life::Conditions& conditions) {
  if (conditions.shutting_down) {
    return Fail(ErrorCode::kUnavailable, "the broker is shutting down");
  }
  if (conditions.broken) return Fail(ErrorCode::kUnavailable, conditions.broken->message);
  return {};
}

Error RunLifecycle::RefuseOther(const std::string& output,
                                const life::Conditions& conditions) const {
  if (Result<void> may = MayOpen(conditions); !may) return may.error();
  return {ErrorCode::kUnavailable,
          (run_.valid() ? Name() : std::string("another run")) + " is writing to " + output};
}

Error RunLifecycle::IsEnding() const {
  return {ErrorCode::kNotFound, Name() + " is ending already"};
}

Result<void> RunLifecycle::Guard(life::Event request, const life::Conditions& conditions) const {
  const bool ending = state_ == S::kStopping || state_ == S::kClosing ||
                      (state_ == S::kOpening && then_ == Then::kStop);
  switch (request) {
    case E::kSubmit:
    case E::kRetry:
      return MayOpen(conditions);
    case E::kResume:
      if (state_ == S::kEnded) {
        return Fail(ErrorCode::kNotFound, "no " + Name() + " is under way or paused");
      }
      RETURN_IF_ERROR(MayOpen(conditions));
      break;
    case E::kPause:
      if (state_ == S::kEnded) return Fail(ErrorCode::kNotFound, "no " + Name() + " is under way");
      [[fallthrough]];
    default:
      if (conditions.broken && state_ != S::kEnded) {
        return Fail(ErrorCode::kUnavailable, conditions.broken->message);
      }
  }
  if (ending && request != E::kCancel) return Fail(IsEnding());
  return {};
}

// --- events

Result<life::Step> RunLifecycle::Request(life::Event request, const life::Conditions& conditions,
                                         life::End end) {
  RETURN_IF_ERROR(Guard(request, conditions));
  event_ = request;
  effects_.clear();
  life::Step step;
  if (request == E::kCancel) {
    Stop(std::move(end));
  } else if (request == E::kPause) {
    ASSIGN_OR_RETURN(step.reply, Pause());
  } else {
    ASSIGN_OR_RETURN(step.reply, Continue());
  }
  step.effects = std::move(effects_);
  return step;
}

std::vector<life::Effect> RunLifecycle::On(life::Event event, const life::Conditions& conditions,
                                           life::End end) {
  event_ = event;
  effects_.clear();
  const auto ends = [&] {
    in_queue_ = false;
    result_ = end.result;
    reason_ = std::move(end.reason);
    EnterClosing();
  };
  switch (event) {
    case E::kStop:
      if (state_ != S::kPaused && state_ != S::kEnded) Stop(std::move(end));
      break;
    case E::kLeave:
      Leave();
      break;
    case E::kFolderHeld:
      if (state_ == S::kOpening) FolderHeld(conditions);
      break;
    case E::kFolderRefused:
      if (state_ == S::kOpening) FolderRefused();
      break;
    case E::kOpened:
      if (state_ == S::kOpening) Opened(conditions);
      break;
    case E::kOpenRefused:
      if (state_ == S::kOpening) DropUnopened();
      break;
    case E::kRecipesKnown:
      if (state_ != S::kLoading || loading_) break;
      Move(S::kLoading);
      Load(next_load_);
      break;
    case E::kLoaded:
      Loaded();
      break;
    case E::kQueueStops:
      if (state_ == S::kActive || state_ == S::kPausing) Move(S::kStopping);
      break;
    case E::kQueuePaused:
      Check(in_queue_, "the queue ends a run that it has");
      in_queue_ = false;
      if (state_ == S::kPausing && then_ == Then::kContinue) {
        EnterOpening(Then::kContinue);
      } else if (state_ == S::kPausing) {
        Move(S::kPaused);
      } else {
        EnterClosing();  // it was stopped at the same moment
      }
      break;
    case E::kQueueEnded:
      Check(in_queue_, "the queue ends a run that it has");
      ends();
      break;
    case E::kClosed:
      Move(S::kEnded);
      Do(life::Effect::kTellEnded);
      break;
    default:
      Check(false, "a request is taken by Request");
  }
  return std::move(effects_);
}

void RunLifecycle::SetOpened(RunId run, bool needs_recipes) {
  run_ = run;
  needs_recipes_ = needs_recipes;
}

bool RunLifecycle::uses_recipes() const {
  return in_queue_ || (loading_ && load_mode_ != LoadMode::kCountsOnly);
}

bool RunLifecycle::at_rest() const {
  return state_ == S::kPaused || state_ == S::kEnded ||
         (state_ == S::kOpening && run_.valid() && then_ == Then::kPause);
}

std::string RunLifecycle::Describe() const {
  std::string text = life::StateName(state_);
  text += then_ == Then::kContinue ? ", continues" : then_ == Then::kPause ? ", pauses" : ", stops";
  if (on_refusal_ == S::kPaused) text += ", was paused";
  const auto add = [&](bool is, const char* what) { text += is ? what : ""; };
  add(run_.valid(), ", known");
  add(recording_, ", recording");
  add(recorded_paused_, ", recorded as paused");
  add(needs_recipes_, ", needs recipes");
  add(loading_, ", loading");
  add(in_queue_, ", queued");
  add(has_folder_, ", holds");
  return text + ", " + std::to_string(static_cast<int>(next_load_)) +
         std::to_string(static_cast<int>(load_mode_));
}

// --- steps

void RunLifecycle::Move(life::State to) {
  Check(Allows(state_, event_, to), "a run's step is in the table of its life");
  state_ = to;
}

void RunLifecycle::Record(bool paused) {
  if (std::exchange(recorded_paused_, paused) == paused) return;
  Do(paused ? life::Effect::kRecordPaused : life::Effect::kRecordActive);
}

Result<life::Reply> RunLifecycle::Continue() {
  switch (state_) {
    case S::kOpening:
      if (then_ == Then::kStop) return life::Reply::kWhenEnded;
      then_ = Then::kContinue;
      // Only a run that was under way anyway is recorded before its folder is known to be there.
      if (run_.valid() && on_refusal_ != S::kPaused) Record(/*paused=*/false);
      return life::Reply::kWhenOpened;
    case S::kPausing:
      then_ = Then::kContinue;
      // Recorded now, though what is in flight is still coming back: the next broker is to
      // continue.
      Record(/*paused=*/false);
      return life::Reply::kWhenDurable;
    case S::kPaused:
      EnterOpening(Then::kContinue);
      return life::Reply::kWhenOpened;
    case S::kStopping:
    case S::kClosing:
      return life::Reply::kWhenEnded;
    default:
      Check(state_ != S::kEnded, "nobody submits to a run that has ended");
      return event_ == E::kRetry ? life::Reply::kNow : life::Reply::kWhenDurable;
  }
}

Result<life::Reply> RunLifecycle::Pause() {
  Check(run_.valid(), "a run that is paused has been recorded");
  if (state_ == S::kOpening || state_ == S::kPausing) {
    then_ = Then::kPause;
  } else if (state_ == S::kLoading) {
    then_ = Then::kPause;
    Move(loading_ ? S::kPausing : S::kPaused);
  } else if (state_ == S::kActive) {
    then_ = Then::kPause;
    Move(S::kPausing);
    Do(life::Effect::kPauseInQueue);
  }
  Record(/*paused=*/true);
  return life::Reply::kWhenDurable;
}

void RunLifecycle::Leave() {
  switch (state_) {
    case S::kOpening:
      if (!run_.valid() && !recording_) return DropUnopened();
      if (then_ == Then::kContinue) then_ = Then::kPause;
      return;
    case S::kLoading:
      then_ = Then::kPause;
      return Move(loading_ ? S::kPausing : S::kPaused);
    case S::kActive:
      then_ = Then::kPause;
      Move(S::kPausing);
      return Do(life::Effect::kPauseInQueue);
    case S::kPausing:
      then_ = Then::kPause;
      return;
    default:
      return;
  }
}

void RunLifecycle::Stop(life::End end) {
  const auto take = [&] {
    result_ = end.result;
    reason_ = std::move(end.reason);
  };
  switch (state_) {
    case S::kOpening:
      if (!run_.valid() && !recording_) return DropUnopened();
      if (then_ == Then::kStop) return;
      // A broker that stops leaves a run that somebody has paused as it is.
      if (event_ == E::kStop && then_ == Then::kPause) return;
      then_ = Then::kStop;
      return take();
    case S::kPaused:
      take();
      return EnterOpening(Then::kStop);
    case S::kLoading:
      take();
      return CountThenClose();
    case S::kActive:
    case S::kPausing:
      take();
      if (!in_queue_) return CountThenClose();
      Move(S::kStopping);
      return Do(life::Effect::kStopInQueue);
    case S::kStopping:
    case S::kClosing:
    case S::kEnded:
      return;
  }
}

void RunLifecycle::EnterOpening(Then then) {
  on_refusal_ = S::kPaused;
  needs_recipes_ = true;  // it may continue with other workers than it had
  then_ = then;
  Move(S::kOpening);
  Do(life::Effect::kHoldFolder);
}

void RunLifecycle::FolderHeld(const life::Conditions& conditions) {
  has_folder_ = true;
  if (!run_.valid()) {
    recording_ = true;
    Move(S::kOpening);
    return Do(life::Effect::kOpenInState);
  }
  Opened(conditions);
}

void RunLifecycle::FolderRefused() {
  has_folder_ = false;
  if (!run_.valid()) return DropUnopened();
  switch (then_) {
    case Then::kStop:
      Do(life::Effect::kAnswerOpened);  // its end says why nothing was written
      return CountThenClose();
    case Then::kPause:
      Do(life::Effect::kRefuseOpened);
      return Move(S::kPaused);
    case Then::kContinue:
      if (on_refusal_ == S::kPaused) {
        Do(life::Effect::kRefuseOpened);
        return Move(S::kPaused);
      }
      Move(S::kEnded);
      return Do(life::Effect::kForget);
  }
}

void RunLifecycle::Opened(const life::Conditions& conditions) {
  Check(run_.valid(), "a run that is open has its number");
  recording_ = false;
  // One that was paused has none: it was cleared when the run began.
  if (on_refusal_ == S::kEnded) Do(life::Effect::kClearReport);
  if (then_ == Then::kContinue) Record(/*paused=*/false);
  Do(life::Effect::kAnswerOpened);
  switch (then_) {
    case Then::kStop:
      return CountThenClose();
    case Then::kPause:
      return Move(S::kPaused);
    case Then::kContinue:
      return EnterLoading(conditions);
  }
}

void RunLifecycle::DropUnopened() {
  Move(S::kEnded);
  Do(life::Effect::kRefuseOpened);
  Do(life::Effect::kForget);
}

void RunLifecycle::EnterLoading(const life::Conditions& conditions) {
  Move(S::kLoading);
  if (!needs_recipes_ || conditions.recipes_known) Load(next_load_);
}

void RunLifecycle::Load(LoadMode mode) {
  Check(!loading_, "a run is loaded once at a time");
  loading_ = true;
  load_mode_ = mode;
  if (mode != LoadMode::kCountsOnly) next_load_ = LoadMode::kRestored;
  Do(life::Effect::kLoad);
}

void RunLifecycle::CountThenClose() {
  Move(S::kStopping);
  if (!loading_) Load(LoadMode::kCountsOnly);
}

void RunLifecycle::Loaded() {
  Check(std::exchange(loading_, false), "a run that is loaded was asked for");
  if (state_ == S::kStopping) return EnterClosing();
  if (state_ == S::kPausing && then_ == Then::kPause) return Move(S::kPaused);
  in_queue_ = true;
  Move(S::kActive);
  Do(life::Effect::kStartInQueue);
}

void RunLifecycle::EnterClosing() {
  Move(S::kClosing);
  Do(life::Effect::kWriteReport);
}

}  // namespace millrace
