// Tells a worker that cannot live from an image that kills workers.
//
// A replica whose processes end again and again, none having lived `min_life` or ended a job, is in
// a crash loop. A death that was charged to a job is that job's doing and does not count here; but
// when `kMaxCulprits` items in a row have died of it, in a stage that ended none in between, the
// stage is at fault and not the items.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "broker/job.h"
#include "common/base/clock.h"

namespace millrace {

class CrashLoopDetector {
 public:
  static constexpr int kMaxDeaths = 5;
  static constexpr int kMaxCulprits = 5;
  static constexpr Duration kMinLife = std::chrono::seconds(10);

  // A process of the replica ended unasked. True where that makes it a crash loop.
  bool Death(StageIndex stage, std::int64_t replica, Duration lived, bool ended_a_job) {
    if (stalled_.erase({stage, replica}) > 0) return false;
    int& deaths = deaths_[{stage, replica}];
    deaths = lived >= kMinLife || ended_a_job ? 0 : deaths + 1;
    return deaths >= kMaxDeaths;
  }
  // Its handler was taken for dead: that its process ends too, later, is no other death.
  void Stalled(StageIndex stage, std::int64_t replica) { stalled_.insert({stage, replica}); }
  // An item was given up since it killed its workers. True where too many in a row were.
  bool Culprit(StageIndex stage) { return ++culprits_[stage] >= kMaxCulprits; }
  // A job of the stage got a result.
  void Success(StageIndex stage, std::int64_t replica) {
    deaths_[{stage, replica}] = 0;
    culprits_[stage] = 0;
  }

 private:
  std::map<std::pair<StageIndex, std::int64_t>, int> deaths_;
  std::set<std::pair<StageIndex, std::int64_t>> stalled_;
  std::map<StageIndex, int> culprits_;
};

}  // namespace millrace
