#include "broker/worker_table.h"

#include <tuple>

namespace millrace {

Worker* WorkerTable::LeastLoaded(StageIndex stage) {
  Worker* best = nullptr;
  for (auto& [id, worker] : workers_) {
    if (worker.stage != stage || !worker.Feedable()) continue;
    if (best == nullptr ||
        std::tuple(worker.held.size(), worker.sends) < std::tuple(best->held.size(), best->sends)) {
      best = &worker;
    }
  }
  return best;
}

Worker* WorkerTable::Empty(StageIndex stage) {
  for (auto& [id, worker] : workers_) {
    if (worker.stage == stage && worker.held.empty() && worker.slots > 0 &&
        !worker.alone_job.valid() && !worker.death) {
      return &worker;
    }
  }
  return nullptr;
}

}  // namespace millrace
