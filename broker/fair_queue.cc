#include "broker/fair_queue.h"

#include <algorithm>

namespace millrace {

FairQueue::Backlog& FairQueue::Arrive(RunId run) {
  Backlog& backlog = runs_[run];
  if (backlog.entries.empty()) backlog.tag = std::max(backlog.tag, virtual_time_);
  return backlog;
}

void FairQueue::PushBack(RunId run, Entry entry) { Arrive(run).entries.push_back(entry); }

void FairQueue::PushFront(RunId run, Entry entry) { Arrive(run).entries.push_front(entry); }

std::optional<FairQueue::Pick> FairQueue::Next(const std::function<bool(RunId)>& eligible,
                                               const std::function<bool(const Entry&)>& valid) {
  std::optional<Pick> best;
  std::uint64_t best_tag = 0;
  for (auto& [run, backlog] : runs_) {
    while (!backlog.entries.empty() && !valid(backlog.entries.front())) {
      backlog.entries.pop_front();
    }
    if (backlog.entries.empty() || !eligible(run)) continue;
    if (!best || backlog.tag < best_tag) {
      best = Pick{run, backlog.entries.front()};
      best_tag = backlog.tag;
    }
  }
  return best;
}

void FairQueue::Take(RunId run, std::size_t bytes) {
  Backlog& backlog = runs_[run];
  backlog.entries.pop_front();
  virtual_time_ = std::max(virtual_time_, backlog.tag);
  backlog.tag += bytes;
}

}  // namespace millrace
