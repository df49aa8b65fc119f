// One job: an item at one stage, or one chunk of a scan. docs/architecture.md draws its life.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/records.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/payload/payload.h"
#include "common/wire/messages.h"

namespace millrace {

enum class JobState : std::uint8_t {
  kReady,    // in its stage's queue
  kBackoff,  // failed, waiting for its next attempt
  kHeld,     // its worker is gone; whether that was a death or a lost link is not known yet
  kSent,     // on its way to a worker, or in its hands and not begun
  kClaimed,  // in the Process call that its worker announced
};

// Not `Job`: that is what a stage is given (common/stage/stage.h), and the simulation has both.
struct QueuedJob {
  JobId id;
  RunId run;
  StageIndex stage = 0;
  std::string key;     // the item's path; "" for a scan chunk
  std::string cursor;  // a scan chunk's place
  std::string meta;    // opaque
  Payload payload;     // kept until the job's result is here
  // What the stages before have to say of the item: recorded with its outcome.
  std::vector<std::string> warnings;
  std::vector<ItemRecord> records;
  std::vector<wire::OutputFile> outputs;
  std::size_t bytes = 0;  // what it counts for in its stage's budget

  JobState state = JobState::kReady;
  Delivery delivery;     // of the latest send; invalid before the first
  IncarnationId holder;  // while sent or claimed
  Instant sent;          // the latest time
  // Sent: the claim's; claimed: the lease's; backoff: the next attempt's; else none.
  std::optional<Instant> deadline;
  std::uint32_t ticket = 0;   // names its latest entry in a queue; older entries are void
  std::size_t call_size = 0;  // claimed: how many jobs the Process call has

  ItemMarks marks;                 // of this stage
  std::optional<ItemMarks> later;  // of a stage that it had reached before the broker restarted
  std::uint64_t suspected_by = 0;  // the loss that made it `alone`, until that proves to be a death

  [[nodiscard]] bool InFlight() const {
    return state == JobState::kSent || state == JobState::kClaimed;
  }
};

// What a job costs the broker beside its strings and payload: the struct, its map node, its queue
// entry. Counted into the budget, so that a budget bounds memory for jobs without payload too.
inline constexpr std::size_t kJobOverheadBytes = 512;

}  // namespace millrace
