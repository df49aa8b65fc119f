// Jobs that wait in a worker for its handler, and when the next batch of them is due.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "common/base/clock.h"
#include "common/stage/stage.h"
#include "common/wire/messages.h"

namespace millrace {

struct WaitingJob {
  wire::Lease lease;
  Job job;
  bool alone = false;  // to be processed by itself, at once
  Instant arrived;
};

// First come, first served. A batch is the longest run of jobs at the front that may go together:
// at most `max`, and never with one that is `alone`, which is a batch of its own.
class Batcher {
 public:
  // A batch smaller than `max` waits for more until `delay` after its first job came.
  Batcher(std::size_t max, Duration delay) : max_(max), delay_(delay) {}

  void Add(WaitingJob job) { jobs_.push_back(std::move(job)); }
  // False where no such lease waits.
  bool Remove(const wire::Lease& lease);
  [[nodiscard]] bool Contains(const wire::Lease& lease) const;
  [[nodiscard]] std::size_t size() const { return jobs_.size(); }
  [[nodiscard]] bool empty() const { return jobs_.empty(); }

  // When the batch at the front is due; nullopt when nothing waits. `no_more`: nothing can arrive
  // to make it larger, so it is due now.
  [[nodiscard]] std::optional<Instant> DueAt(bool no_more) const;
  // The batch at the front, if it is due; otherwise empty.
  std::vector<WaitingJob> Take(Instant now, bool no_more);
  // All that waits.
  std::vector<WaitingJob> TakeAll();

 private:
  // How many jobs at the front go together now.
  [[nodiscard]] std::size_t Front() const;

  std::size_t max_;
  Duration delay_;
  std::deque<WaitingJob> jobs_;
};

}  // namespace millrace
