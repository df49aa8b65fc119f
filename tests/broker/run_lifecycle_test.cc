// The life of a run: by table, and by every state that it can come to.
#include "broker/run/run_lifecycle.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace millrace {
namespace {

using S = life::State;
using E = life::Event;
using F = life::Effect;

constexpr life::Conditions kFine{.shutting_down = false, .broken = {}, .recipes_known = true};

// A run in each of its states, brought there by the shortest way.
RunLifecycle In(life::State state) {
  RunLifecycle life = RunLifecycle::New(LoadMode::kSubmitted);
  const auto on = [&](E event) { (void)life.On(event, kFine); };
  const auto ask = [&](E request) { REQUIRE(life.Request(request, kFine)); };
  if (state == S::kOpening) return life;
  on(E::kFolderHeld);
  life.SetOpened(RunId(7), true);
  on(E::kOpened);
  if (state == S::kLoading) return life;
  on(E::kLoaded);
  if (state == S::kActive) return life;
  if (state == S::kPausing || state == S::kPaused) {
    ask(E::kPause);
    if (state == S::kPaused) on(E::kQueuePaused);
    return life;
  }
  ask(E::kCancel);
  if (state == S::kStopping) return life;
  on(E::kQueueEnded);
  if (state == S::kClosing) return life;
  on(E::kClosed);
  return life;
}

struct Row {
  S from;
  E request;
  std::string refusal;  // "": it is taken
  S to;
  life::Reply reply;
  std::vector<F> effects;
};

TEST_CASE("what may be asked of a run, and what follows, in each of its states") {
  const std::vector<F> none;
  const std::vector<Row> rows = {
      {S::kOpening, E::kSubmit, "", S::kOpening, life::Reply::kWhenOpened, none},
      {S::kLoading, E::kSubmit, "", S::kLoading, life::Reply::kWhenDurable, none},
      {S::kActive, E::kSubmit, "", S::kActive, life::Reply::kWhenDurable, none},
      {S::kPausing, E::kSubmit, "", S::kPausing, life::Reply::kWhenDurable, {F::kRecordActive}},
      {S::kPaused, E::kSubmit, "", S::kOpening, life::Reply::kWhenOpened, {F::kHoldFolder}},
      {S::kStopping, E::kSubmit, "", S::kStopping, life::Reply::kWhenEnded, none},
      {S::kClosing, E::kSubmit, "", S::kClosing, life::Reply::kWhenEnded, none},

      {S::kActive, E::kRetry, "", S::kActive, life::Reply::kNow, none},
      {S::kPaused, E::kRetry, "", S::kOpening, life::Reply::kWhenOpened, {F::kHoldFolder}},
      {S::kStopping, E::kRetry, "", S::kStopping, life::Reply::kWhenEnded, none},

      {S::kLoading, E::kPause, "", S::kPausing, life::Reply::kWhenDurable, {F::kRecordPaused}},
      {S::kActive,
       E::kPause,
       "",
       S::kPausing,
       life::Reply::kWhenDurable,
       {F::kPauseInQueue, F::kRecordPaused}},
      {S::kPausing, E::kPause, "", S::kPausing, life::Reply::kWhenDurable, none},
      {S::kPaused, E::kPause, "", S::kPaused, life::Reply::kWhenDurable, none},
      {S::kStopping, E::kPause, "run 7 is ending already", S::kStopping, {}, none},
      {S::kClosing, E::kPause, "run 7 is ending already", S::kClosing, {}, none},
      {S::kEnded, E::kPause, "no run 7 is under way", S::kEnded, {}, none},

      {S::kActive, E::kResume, "", S::kActive, life::Reply::kWhenDurable, none},
      {S::kPausing, E::kResume, "", S::kPausing, life::Reply::kWhenDurable, {F::kRecordActive}},
      {S::kPaused, E::kResume, "", S::kOpening, life::Reply::kWhenOpened, {F::kHoldFolder}},
      {S::kStopping, E::kResume, "run 7 is ending already", S::kStopping, {}, none},
      {S::kEnded, E::kResume, "no run 7 is under way or paused", S::kEnded, {}, none},

      {S::kLoading, E::kCancel, "", S::kStopping, life::Reply::kNow, none},
      {S::kActive, E::kCancel, "", S::kStopping, life::Reply::kNow, {F::kStopInQueue}},
      {S::kPausing, E::kCancel, "", S::kStopping, life::Reply::kNow, {F::kStopInQueue}},
      {S::kPaused, E::kCancel, "", S::kOpening, life::Reply::kNow, {F::kHoldFolder}},
      {S::kStopping, E::kCancel, "", S::kStopping, life::Reply::kNow, none},
      {S::kClosing, E::kCancel, "", S::kClosing, life::Reply::kNow, none},
      {S::kEnded, E::kCancel, "", S::kEnded, life::Reply::kNow, none},
  };
  for (const Row& row : rows) {
    CAPTURE(life::StateName(row.from));
    CAPTURE(life::EventName(row.request));
    RunLifecycle life = In(row.from);
    REQUIRE(life.state() == row.from);
    const Result<life::Step> step = life.Request(row.request, kFine);
    CHECK(life.state() == row.to);
    REQUIRE(step.has_value() == row.refusal.empty());
    if (!step) {
      CHECK(step.error().message == row.refusal);
      CHECK(step.error().code == ErrorCode::kNotFound);
      continue;
    }
    CHECK(step->reply == row.reply);
    CHECK(step->effects == row.effects);
  }
}

TEST_CASE("a broker that stops or cannot write takes no request that would need it to go on") {
  const life::Conditions stops{.shutting_down = true, .broken = {}, .recipes_known = true};
  const life::Conditions broken{.shutting_down = false,
                                .broken = Error{ErrorCode::kWriteFailed, "no space"},
                                .recipes_known = true};
  CHECK(!RunLifecycle::MayOpen(stops));
  CHECK(!RunLifecycle::MayOpen(broken));
  for (const S state : {S::kLoading, S::kActive, S::kPausing, S::kPaused}) {
    for (const E request : {E::kSubmit, E::kRetry, E::kResume, E::kPause, E::kCancel}) {
      CAPTURE(life::StateName(state));
      CAPTURE(life::EventName(request));
      RunLifecycle life = In(state);
      const Result<life::Step> step = life.Request(request, broken);
      REQUIRE(!step);
      CHECK(step.error().code == ErrorCode::kUnavailable);
      CHECK(life.state() == state);
      if (request == E::kPause || request == E::kCancel) continue;
      CHECK(!life.Request(request, stops));
    }
  }
}

TEST_CASE("whatever continues or ends a paused run verifies its folder first") {
  for (const E request : {E::kResume, E::kSubmit, E::kCancel}) {
    CAPTURE(life::EventName(request));
    RunLifecycle life = In(S::kPaused);
    CHECK(life.Request(request, kFine)->effects == std::vector<F>{F::kHoldFolder});
    std::vector<F> effects = life.On(E::kFolderRefused, kFine);
    if (request != E::kCancel) {
      CHECK(life.state() == S::kPaused);
      CHECK(effects == std::vector<F>{F::kRefuseOpened});
      continue;
    }
    // It ends all the same, with its counts, and writes nothing there.
    CHECK(life.state() == S::kStopping);
    CHECK(life.load_mode() == LoadMode::kCountsOnly);
    (void)life.On(E::kLoaded, kFine);
    CHECK(life.state() == S::kClosing);
    CHECK(!life.has_folder());
  }
}

TEST_CASE("a run that may take over earlier results waits until every stage's recipe is known") {
  RunLifecycle life = RunLifecycle::New(LoadMode::kSubmitted);
  life::Conditions conditions = kFine;
  conditions.recipes_known = false;
  (void)life.On(E::kFolderHeld, conditions);
  life.SetOpened(RunId(7), true);
  (void)life.On(E::kOpened, conditions);
  CHECK(life.state() == S::kLoading);
  CHECK(!life.uses_recipes());
  conditions.recipes_known = true;
  CHECK(life.On(E::kRecipesKnown, conditions) == std::vector<F>{F::kLoad});
  CHECK(life.uses_recipes());
}

// --- every state that there is

// A run, what it has asked for and has no answer to, and what the disk says of it.
struct World {
  RunLifecycle life = RunLifecycle::New(LoadMode::kSubmitted);
  bool holding = true;  // asked, and not answered
  bool opening = false;
  bool loading = false;
  bool closing = false;
  enum class Queue { kNone, kActive, kPausing, kStopping } queue = Queue::kNone;
  bool for_open = true;  // somebody waits
  bool for_end = false;
  bool recorded = false;
  bool recorded_paused = false;
  bool ended = false;  // on disk
  bool gone = false;   // out of memory
  bool shutting_down = false;
  bool recipes_known = false;

  [[nodiscard]] std::string Key() const {
    std::string key = life.Describe() + "|";
    for (const bool each : {holding, opening, loading, closing, for_open, for_end, recorded,
                            recorded_paused, ended, gone, shutting_down, recipes_known}) {
      key += each ? '1' : '0';
    }
    return key + std::to_string(static_cast<int>(queue));
  }
  [[nodiscard]] life::Conditions Conditions() const { return {shutting_down, {}, recipes_known}; }

  void Need(bool holds, const char* what) const {
    if (!holds) FAIL(std::string(what) << ": " << Key());
  }
  void Apply(const std::vector<life::Effect>& effects) {
    for (const life::Effect effect : effects) {
      switch (effect) {
        case F::kHoldFolder:
          Need(!std::exchange(holding, true), "a folder is asked for once at a time");
          break;
        case F::kOpenInState:
          Need(!std::exchange(opening, true) && !recorded, "a run is recorded once");
          break;
        case F::kClearReport:
          Need(life.has_folder(), "a run writes to a folder that it holds");
          break;
        case F::kRecordPaused:
        case F::kRecordActive:
          Need(recorded && !ended, "the phase of a run is recorded while it lives");
          recorded_paused = effect == F::kRecordPaused;
          break;
        case F::kLoad:
          Need(!std::exchange(loading, true), "a run is loaded once at a time");
          break;
        case F::kStartInQueue:
          Need(queue == Queue::kNone, "the queue has a run once");
          queue = Queue::kActive;
          break;
        case F::kPauseInQueue:
          Need(queue != Queue::kNone, "what is paused is in the queue");
          if (queue == Queue::kActive) queue = Queue::kPausing;
          break;
        case F::kStopInQueue:
          Need(queue != Queue::kNone, "what is stopped is in the queue");
          queue = Queue::kStopping;
          break;
        case F::kWriteReport:
          Need(!std::exchange(closing, true) && queue == Queue::kNone, "a report is written once");
          break;
        case F::kAnswerOpened:
        case F::kRefuseOpened:
          for_open = false;
          break;
        case F::kTellEnded:
          for_end = false;
          ended = true;
          break;
        case F::kForget:
          for_open = for_end = false;
          gone = true;
          break;
      }
    }
  }
  // What must be so between any two events.
  void CheckState() const {
    if (gone) return;
    const S state = life.state();
    Need((queue != Queue::kNone) == life.in_queue(), "a life knows whether the queue has it");
    const bool queued = queue != Queue::kNone;
    switch (state) {
      case S::kOpening:
        Need(holding || opening, "a run that opens waits for something");
        break;
      case S::kLoading:
        Need(loading || !recipes_known, "a run that is loaded waits for something");
        break;
      case S::kActive:
        Need(queued, "an active run is in the queue");
        break;
      case S::kPausing:
      case S::kStopping:
        Need(queued != loading, "a run that ends waits for one thing");
        break;
      case S::kPaused:
        Need(!queued && !loading && !holding, "a paused run waits for nothing");
        break;
      case S::kClosing:
        Need(closing, "a run that closes waits for its report");
        break;
      case S::kEnded:
        Need(ended, "a run that has ended is recorded as ended");
        break;
    }
    Need(!for_open || state == S::kOpening, "who waits for a run to open is answered then");
    Need(!for_end || state == S::kOpening || state == S::kStopping || state == S::kClosing,
         "who waits for its end is answered then");
  }
};

using Step = std::pair<std::string, std::function<void(World&)>>;

// All that can happen next.
std::vector<Step> StepsFrom(const World& world) {
  std::vector<Step> steps;
  const auto on = [&](E event) {
    steps.emplace_back(life::EventName(event), [event](World& w) {
      w.Apply(w.life.On(event, w.Conditions(), {RunResult::kFailed, "why"}));
    });
  };
  if (world.gone || world.ended) return steps;
  const S state = world.life.state();
  for (const E request : {E::kSubmit, E::kRetry, E::kPause, E::kResume, E::kCancel}) {
    const bool by_id = request != E::kSubmit && request != E::kRetry;
    if (by_id && !world.recorded) continue;
    steps.emplace_back(life::EventName(request), [request](World& w) {
      const std::string before = w.Key();
      Result<life::Step> step = w.life.Request(request, w.Conditions());
      if (!step) return w.Need(w.Key() == before, "a refusal changes nothing");
      w.for_open = w.for_open || step->reply == life::Reply::kWhenOpened;
      w.for_end = w.for_end || step->reply == life::Reply::kWhenEnded;
      w.Apply(step->effects);
    });
  }
  for (const E how : {E::kStop, E::kLeave}) {
    steps.emplace_back(life::EventName(how), [how](World& w) {
      w.shutting_down = true;
      w.Apply(w.life.On(how, w.Conditions(), {RunResult::kStopped, "shutdown"}));
    });
  }
  if (world.holding) {
    for (const E event : {E::kFolderHeld, E::kFolderRefused}) {
      steps.emplace_back(life::EventName(event), [event](World& w) {
        w.holding = false;
        w.Apply(w.life.On(event, w.Conditions()));
      });
    }
  }
  if (world.opening) {
    steps.emplace_back("opened", [](World& w) {
      w.opening = false;
      w.recorded = true;
      w.life.SetOpened(RunId(7), true);
      w.Apply(w.life.On(E::kOpened, w.Conditions()));
    });
    steps.emplace_back("open refused", [](World& w) {
      w.opening = false;
      w.Apply(w.life.On(E::kOpenRefused, w.Conditions()));
    });
  }
  if (!world.recipes_known) {
    steps.emplace_back("recipes known", [](World& w) {
      w.recipes_known = true;
      w.Apply(w.life.On(E::kRecipesKnown, w.Conditions()));
    });
  }
  if (world.loading) {
    steps.emplace_back("loaded", [](World& w) {
      w.loading = false;
      w.Apply(w.life.On(E::kLoaded, w.Conditions()));
    });
  }
  using Q = World::Queue;
  if (world.queue == Q::kActive) {
    on(E::kQueueStops);
    steps.back().second = [inner = steps.back().second](World& w) {
      w.queue = Q::kStopping;
      inner(w);
    };
  }
  // By itself, at the moment at which it was to be paused or stopped.
  if (world.queue == Q::kPausing || world.queue == Q::kStopping) on(E::kQueueStops);
  if (world.queue == Q::kPausing) {
    steps.emplace_back("queue paused", [](World& w) {
      w.queue = Q::kNone;
      w.Apply(w.life.On(E::kQueuePaused, w.Conditions()));
    });
  }
  if (world.queue == Q::kStopping && state == S::kStopping) {
    // It was paused with nothing in flight, and stopped before that was told.
    steps.emplace_back("queue paused", [](World& w) {
      w.queue = Q::kNone;
      w.Apply(w.life.On(E::kQueuePaused, w.Conditions()));
    });
  }
  if (world.queue != Q::kNone) {
    steps.emplace_back("queue ended", [](World& w) {
      w.queue = Q::kNone;
      w.Apply(w.life.On(E::kQueueEnded, w.Conditions(), {RunResult::kDone, ""}));
    });
  }
  if (world.closing) {
    steps.emplace_back("closed", [](World& w) {
      w.closing = false;
      w.Apply(w.life.On(E::kClosed, w.Conditions()));
    });
  }
  if (world.recorded) {
    steps.emplace_back("restart", [](World& w) {
      World next;
      next.life = RunLifecycle::Restored(RunId(7), w.recorded_paused);
      next.for_open = false;
      next.recorded = true;
      next.recorded_paused = w.recorded_paused;
      w = std::move(next);
    });
  }
  return steps;
}

TEST_CASE(
    "no sequence of requests, answers, restarts and ends leaves the table, or waits for ever") {
  std::set<std::string> seen;
  std::deque<World> next;
  std::set<std::tuple<S, std::string, S>> taken;
  const auto visit = [&](World world) {
    world.CheckState();
    if (seen.insert(world.Key()).second) next.push_back(std::move(world));
  };
  visit(World{});
  std::size_t steps_taken = 0;
  while (!next.empty()) {
    const World world = std::move(next.front());
    next.pop_front();
    for (const auto& [name, step] : StepsFrom(world)) {
      World after = world;
      step(after);
      ++steps_taken;
      if (name != "restart") taken.emplace(world.life.state(), name, after.life.state());
      visit(std::move(after));
    }
  }
  MESSAGE(seen.size() << " states, " << steps_taken << " steps");
  CHECK(seen.size() > 100);
  // And no row of the table is one that nothing ever takes.
  for (const life::Transition& row : life::Transitions()) {
    if (row.from == S::kEnded) continue;
    for (const S to : row.to) {
      CAPTURE(life::StateName(row.from));
      CAPTURE(life::EventName(row.event));
      CAPTURE(life::StateName(to));
      CHECK(taken.contains({row.from, life::EventName(row.event), to}));
    }
  }
}

}  // namespace
}  // namespace millrace
