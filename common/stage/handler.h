// The thread that a stage lives on: it makes the stage, starts it, gives it batches, destroys it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/result.h"
#include "common/os/unique_fd.h"
#include "common/stage/stage.h"

namespace millrace {

using StageMaker = std::function<std::unique_ptr<Stage>()>;

struct HandlerStarted {
  Result<std::string> ingredients;  // Stage::Ingredients; an error: it cannot start
};
struct HandlerFinished {
  Result<std::vector<Outcome>> outcomes;  // an error: an exception left Process
};
struct HandlerBroken {
  std::string why;  // Stage::Broken; the call's outcomes are dropped
};
using HandlerEvent = std::variant<HandlerStarted, HandlerFinished, HandlerBroken>;

// The owner's thread and the handler's share one slot under a mutex; an eventfd says that an answer
// lies in it. Everything but JobContext is called by the owner's thread.
class Handler {
 public:
  // Begins at once with Stage::Start; a HandlerStarted follows. The thread is named after the
  // stage. Where the context asks for a sandbox, it enters one between Start and HandlerStarted.
  static Result<std::unique_ptr<Handler>> Begin(StageMaker make, StageContext context);
  // Joins: waits for a Process that runs. A process with a stuck one is to be ended by _exit.
  ~Handler();
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;

  // Readable when TakeEvent has something.
  [[nodiscard]] int event_fd() const { return event_.get(); }
  std::optional<HandlerEvent> TakeEvent();

  // Only after HandlerStarted with a value and after the last call's HandlerFinished was taken; no
  // more after HandlerBroken.
  void Process(std::vector<Job> jobs);
  // Of the running call; jobs of no call are ignored.
  void Cancel(std::span<const JobId> jobs);
  void SetLeaseUntil(Instant instant);
  // Starts, ends and calls of JobContext::Progress so far.
  [[nodiscard]] std::uint64_t progress() const { return progress_.load(); }
  // In Stage::Start or in Process.
  [[nodiscard]] bool busy() const { return busy_; }

 private:
  class Call;

  Handler(UniqueFd event, StageMaker make, StageContext context);
  void Run(const StageMaker& make, const StageContext& context);
  Result<std::unique_ptr<Stage>> StartStage(const StageMaker& make, const StageContext& context,
                                            std::string& ingredients);
  Result<std::vector<Outcome>> RunCall(Stage& stage, Call& call);
  void Answer(HandlerEvent event);

  UniqueFd event_;
  bool busy_ = true;            // the owner's
  std::shared_ptr<Call> call_;  // the owner's: the running one
  std::atomic<std::uint64_t> progress_{0};
  std::atomic<Duration::rep> lease_until_{0};  // since the clock's epoch

  Mutex mutex_;
  Condition wake_;
  std::shared_ptr<Call> next_ GUARDED_BY(mutex_);
  std::optional<HandlerEvent> answer_ GUARDED_BY(mutex_);
  bool stop_ GUARDED_BY(mutex_) = false;

  std::thread thread_;  // the last: it uses the others
};

}  // namespace millrace
