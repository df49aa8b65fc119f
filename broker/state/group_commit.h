// Group commit: requests go in by batches and are told of once they are on disk. Whatever arrives
// while one batch is being synced is the next, so that the price of a sync is shared by as much as
// the disk is slow.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "broker/state/requests.h"
#include "broker/state/state.h"
#include "common/base/result.h"

namespace millrace {

// Single-threaded: of the state's thread (state_thread.h), or of a simulated disk.
class GroupCommit {
 public:
  // Every request up to `through` is on disk; these are the answers to those not told of yet.
  using Publish = std::function<void(std::vector<StateAnswered> answers, std::uint64_t through)>;
  struct Posted {
    std::uint64_t number = 0;
    StateRequest request;
  };

  explicit GroupCommit(std::unique_ptr<State> state) : state_(std::move(state)) {}

  // In order. An error is the state's: what was not published is not on disk, and nothing more may
  // be asked.
  Result<void> CarryOut(std::deque<Posted>& batch, const Publish& publish);

 private:
  Result<void> Execute(std::deque<Posted>& batch, const Publish& publish);
  Result<void> Commit(std::vector<StateAnswered>& answers, std::uint64_t through,
                      const Publish& publish);

  std::unique_ptr<State> state_;
};

}  // namespace millrace
