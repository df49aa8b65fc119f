#include "common/stage/batcher.h"

#include <algorithm>
#include <iterator>

namespace millrace {

bool Batcher::Remove(const wire::Lease& lease) {
  return std::erase_if(jobs_, [&](const WaitingJob& job) { return job.lease == lease; }) > 0;
}

bool Batcher::Contains(const wire::Lease& lease) const {
  return std::any_of(jobs_.begin(), jobs_.end(),
                     [&](const WaitingJob& job) { return job.lease == lease; });
}

std::size_t Batcher::Front() const {
  if (jobs_.empty()) return 0;
  if (jobs_.front().alone) return 1;
  std::size_t count = 0;
  while (count < jobs_.size() && count < max_ && !jobs_[count].alone) ++count;
  return count;
}

std::optional<Instant> Batcher::DueAt(bool no_more) const {
  if (jobs_.empty()) return std::nullopt;
  const std::size_t count = Front();
  // One that is `alone` stands behind the front: the batch cannot grow past it.
  const bool closed = jobs_.front().alone || count == max_ || count < jobs_.size();
  return jobs_.front().arrived + (closed || no_more ? Duration::zero() : delay_);
}

std::vector<WaitingJob> Batcher::Take(Instant now, bool no_more) {
  const std::optional<Instant> due = DueAt(no_more);
  if (!due || *due > now) return {};
  const auto end = jobs_.begin() + static_cast<std::ptrdiff_t>(Front());
  std::vector<WaitingJob> batch(std::make_move_iterator(jobs_.begin()),
                                std::make_move_iterator(end));
  jobs_.erase(jobs_.begin(), end);
  return batch;
}

std::vector<WaitingJob> Batcher::TakeAll() {
  std::vector<WaitingJob> all(std::make_move_iterator(jobs_.begin()),
                              std::make_move_iterator(jobs_.end()));
  jobs_.clear();
  return all;
}

}  // namespace millrace
