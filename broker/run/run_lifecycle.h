// The life of one run: what it does now, what may be asked of it, and what follows.
//
// Pure: an event goes in, effects come out, to be carried out in order (runs.h). No socket, clock,
// thread or file. Every guard on a request about a run is here and nowhere else.
//
//              submit, retry, a broker that starts
//                     │
//                     ▼        the folder is another's, or the state refuses
//    ┌──────────► Opening ────────────────────────────────────────────────┐
//    │                │ folder held; recorded                             │
//    │                ▼                                                   │
//    │             Loading ───────────────┐                               │
//    │                │ recipes known;    │                               │
//    │                ▼ resume point read │ pause, cancel                 │
//    │             Active ────────────────┤                               │
//    │                │ queue done        │                               │
//    │ resume,        │        pause ┌────┴────┐ cancel, failure limit,   │
//    │ cancel         │              ▼         ▼ dead stage, shutdown     │
//    │                │           Pausing ► Stopping                      │
//    │                │              │         │ nothing is in flight     │
//    └──── Paused ◄───┼──────────────┘         │                          │
//                     ▼                        │                          │
//                  Closing ◄───────────────────┘                          │
//                     │ report written, end recorded                      │
//                     ▼                                                   │
//                   Ended ◄───────────────────────────────────────────────┘
//
// life::Transitions() (run_lifecycle.cc) is this drawing as a table. A step that is not in it
// aborts the broker; tests/broker/run_lifecycle_test.cc walks every sequence up to a depth, and the
// simulation plays the rest.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "broker/records.h"
#include "common/base/result.h"

namespace millrace {

// Short names, for what is said of lives alone.
namespace life {

enum class State : std::uint8_t {
  kOpening,   // its folder is being taken hold of; a new run is then recorded
  kLoading,   // its resume point is read, once every stage's recipe is known if that matters
  kActive,    // in the queue
  kPausing,   // nothing more is sent; what is in flight comes back
  kPaused,    // the queue does not know it; `resume` continues it
  kStopping,  // as Pausing, and then it ends
  kClosing,   // its report is being written, its end recorded
  kEnded,
};
inline constexpr std::size_t kStates = 8;

enum class Event : std::uint8_t {
  // Requests of clients.
  kSubmit,  // the same order as the run's
  kRetry,   // the same retry as the run's
  kPause,
  kResume,
  kCancel,
  // Of the broker: it stops, or a stage's workers cannot live; or it leaves the runs to the next.
  kStop,
  kLeave,
  // What came of an effect.
  kFolderHeld,
  kFolderRefused,  // missing, taken, or another than the one that the run has written to
  kOpened,         // recorded: it has its number
  kOpenRefused,
  kRecipesKnown,  // every stage has told its recipe
  kLoaded,
  kQueueStops,   // by itself: the failure limit, or a stage whose workers cannot live
  kQueuePaused,  // nothing of it is in flight, and it was to be paused
  kQueueEnded,   // nothing of it is in flight, and nothing more will be
  kClosed,
};
inline constexpr std::size_t kEvents = 17;

enum class Effect : std::uint8_t {
  kHoldFolder,    // kFolderHeld or kFolderRefused follows
  kOpenInState,   // kOpened or kOpenRefused follows
  kClearReport,   // the report of an earlier run goes
  kRecordPaused,  // what the next broker is to do with it
  kRecordActive,
  kLoad,  // by load_mode(); kLoaded follows
  kStartInQueue,
  kPauseInQueue,  // kQueuePaused follows, or kQueueEnded
  kStopInQueue,   // kQueueEnded follows
  kWriteReport,   // and record the end; kClosed follows
  kAnswerOpened,  // those who wait for it to open are told that it has
  kRefuseOpened,  // ... are told why it has not
  kTellEnded,     // those who wait for its end are told; requests that waited are taken again
  kForget,        // this broker drops it; requests that waited are taken again
};

// How the client is answered whose request led to this.
enum class Reply : std::uint8_t {
  kNow,
  kWhenDurable,  // once all that was posted so far is on disk
  kWhenOpened,   // by kAnswerOpened or kRefuseOpened, or taken again by kForget
  kWhenEnded,    // taken again by kTellEnded
};

struct Step {
  Reply reply = Reply::kNow;
  std::vector<Effect> effects;
};

struct Transition {
  State from;
  Event event;
  std::vector<State> to;
};
std::span<const Transition> Transitions();

std::string StateName(State state);
std::string EventName(Event event);

// Why a run ends.
struct End {
  RunResult result = RunResult::kStopped;
  std::string reason;
};

// What else a guard looks at.
struct Conditions {
  bool shutting_down = false;
  std::optional<Error> broken;  // the state can write nothing any more
  bool recipes_known = false;   // of every stage
};

}  // namespace life

class RunLifecycle {
 public:
  // Somebody submits, or retries failures: kHoldFolder is the first effect.
  static RunLifecycle New(LoadMode mode);
  // An earlier broker left it.
  static RunLifecycle Restored(RunId run, bool paused);
  static RunLifecycle Over(RunId run);

  // A request for a new run, without any that lives in its OUTPUT.
  static Result<void> MayOpen(const life::Conditions& conditions);

  // kSubmit to kCancel. An error is the refusal: nothing has changed then. `end`: of kCancel.
  Result<life::Step> Request(life::Event request, const life::Conditions& conditions,
                             life::End end = {});
  // A submit or retry of other work than this run's: always refused.
  [[nodiscard]] Error RefuseOther(const std::string& output,
                                  const life::Conditions& conditions) const;
  // All others. One that comes too late changes nothing. `end`: of kStop and kQueueEnded.
  std::vector<life::Effect> On(life::Event event, const life::Conditions& conditions,
                               life::End end = {});

  // Before kOpened. `needs_recipes`: earlier results may count.
  void SetOpened(RunId run, bool needs_recipes);

  [[nodiscard]] life::State state() const { return state_; }
  [[nodiscard]] RunId run() const { return run_; }
  [[nodiscard]] LoadMode load_mode() const { return load_mode_; }
  [[nodiscard]] bool in_queue() const { return in_queue_; }
  // The stages' recipes are fixed for it: outputs of one run are made by one recipe.
  [[nodiscard]] bool uses_recipes() const;
  // False: its folder could not be held, and nothing is written there, not even the report.
  [[nodiscard]] bool has_folder() const { return has_folder_; }
  // A broker that leaves need not wait for it.
  [[nodiscard]] bool at_rest() const;
  [[nodiscard]] RunResult result() const { return result_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  // All that decides what follows, for tests: two lives that look the same are the same.
  [[nodiscard]] std::string Describe() const;

 private:
  // What it does once the step that is under way (Opening, Pausing) is done.
  enum class Then : std::uint8_t { kContinue, kPause, kStop };

  [[nodiscard]] Result<void> Guard(life::Event request, const life::Conditions& conditions) const;
  [[nodiscard]] Error IsEnding() const;
  [[nodiscard]] std::string Name() const { return "run " + std::to_string(run_.value()); }

  void Move(life::State to);
  Result<life::Reply> Continue();  // submit, retry and resume
  Result<life::Reply> Pause();
  void Stop(life::End end);
  void Leave();
  void FolderHeld(const life::Conditions& conditions);
  void FolderRefused();
  void Opened(const life::Conditions& conditions);
  void Loaded();
  void EnterOpening(Then then);
  void EnterLoading(const life::Conditions& conditions);
  void EnterClosing();
  void CountThenClose();  // what ends without the queue
  void Load(LoadMode mode);
  void Record(bool paused);
  void DropUnopened();
  void Do(life::Effect effect) { effects_.push_back(effect); }

  RunId run_;  // invalid until it is recorded
  life::State state_ = life::State::kOpening;
  life::Event event_ = life::Event::kSubmit;  // the one that is being taken
  Then then_ = Then::kContinue;
  // Where a run whose folder is refused goes: back to Paused, or out of memory.
  life::State on_refusal_ = life::State::kEnded;
  LoadMode next_load_ = LoadMode::kSubmitted;
  LoadMode load_mode_ = LoadMode::kSubmitted;
  bool recording_ = false;        // the state has been asked to open it
  bool recorded_paused_ = false;  // what the next broker would find
  bool needs_recipes_ = false;
  bool loading_ = false;
  bool in_queue_ = false;
  bool has_folder_ = false;
  RunResult result_ = RunResult::kDone;
  std::string reason_;
  std::vector<life::Effect> effects_;  // of the event that is being taken
};

}  // namespace millrace
