// The thread that owns the state. Requests go in, in order; answers come out after they are on
// disk.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <thread>

#include "broker/state/group_commit.h"
#include "broker/state/requests.h"
#include "broker/state/state.h"
#include "common/base/mutex.h"
#include "common/base/result.h"
#include "common/os/unique_fd.h"

namespace millrace {

class StateThread {
 public:
  static Result<std::unique_ptr<StateThread>> Start(std::unique_ptr<State> state);
  // Finishes the commit that is under way, and joins. What is posted and not begun is dropped: who
  // cares for it waits until `idle`.
  ~StateThread();
  StateThread(const StateThread&) = delete;
  StateThread& operator=(const StateThread&) = delete;

  // Gives the request's number: 1, 2, 3, …
  std::uint64_t Post(StateRequest request);

  // Readable when Take has something new.
  [[nodiscard]] int event_fd() const { return event_.get(); }
  StateProgress Take();
  // Nothing is posted that has not been answered and taken. The owner's.
  [[nodiscard]] bool idle() const { return durable_seen_ == posted_; }

 private:
  StateThread(UniqueFd event, GroupCommit commit);
  void Run();
  void Signal();

  UniqueFd event_;
  GroupCommit commit_;              // the thread's
  std::uint64_t posted_ = 0;        // the owner's
  std::uint64_t durable_seen_ = 0;  // the owner's

  Mutex mutex_;
  Condition wake_;
  std::deque<GroupCommit::Posted> waiting_ GUARDED_BY(mutex_);
  StateProgress progress_ GUARDED_BY(mutex_);  // what Take has not taken
  bool stop_ GUARDED_BY(mutex_) = false;

  std::thread thread_;  // the last: it uses the others
};

}  // namespace millrace
