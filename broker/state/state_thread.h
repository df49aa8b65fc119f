// The thread that owns the state. Requests go in, in order; answers come out after they are on
// disk.
//
// Group commit: what arrives while one batch is being synced is the next batch, so that the price
// of a sync is shared by as much as the disk is slow.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "broker/state/requests.h"
#include "broker/state/state.h"
#include "common/base/result.h"
#include "common/os/unique_fd.h"

namespace millrace {

class StateThread {
 public:
  // Carries out CloseRun and BackUp, on the state's thread and outside any transaction.
  using Alone = std::function<Result<StateAnswer>(State&, StateRequest&)>;

  static Result<std::unique_ptr<StateThread>> Start(std::unique_ptr<State> state, Alone alone);
  // Finishes what has been posted, and joins.
  ~StateThread();
  StateThread(const StateThread&) = delete;
  StateThread& operator=(const StateThread&) = delete;

  // Gives the request's number: 1, 2, 3, …
  std::uint64_t Post(StateRequest request);

  struct Answered {
    std::uint64_t number = 0;
    Result<StateAnswer> answer;  // an error here is a refusal: the state goes on
  };
  struct Progress {
    std::vector<Answered> answers;  // in order
    std::uint64_t durable = 0;      // every request up to this one is on disk
    std::optional<Error> broken;    // nothing after `durable` is, and nothing ever will be
  };
  // Readable when Take has something new.
  [[nodiscard]] int event_fd() const { return event_.get(); }
  Progress Take();
  // Nothing is posted that has not been answered and taken. The owner's.
  [[nodiscard]] bool idle() const { return durable_seen_ == posted_; }

 private:
  struct Posted {
    std::uint64_t number = 0;
    StateRequest request;
  };

  StateThread(UniqueFd event, std::unique_ptr<State> state, Alone alone);
  void Run();
  // False where the state is broken.
  bool CarryOut(std::deque<Posted>& batch);
  bool Commit(std::vector<Answered>& answers, std::uint64_t through);
  void Publish(std::vector<Answered> answers, std::uint64_t through);
  bool Break(Error error);

  UniqueFd event_;
  std::unique_ptr<State> state_;    // the thread's
  const Alone alone_;               // likewise
  std::uint64_t posted_ = 0;        // the owner's
  std::uint64_t durable_seen_ = 0;  // the owner's

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Posted> waiting_;  // guarded by mutex_
  Progress progress_;           // guarded by mutex_; what Take has not taken
  bool stop_ = false;           // guarded by mutex_

  std::thread thread_;  // the last: it uses the others
};

}  // namespace millrace
