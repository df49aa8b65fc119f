// WorkerProcess: the handler. It takes time, and does to each item what the plan says.
#include <utility>

#include "tests/simulation/violation.h"
#include "tests/simulation/worker_process.h"
#include "tests/simulation/world.h"

namespace millrace::sim {
namespace {

using std::chrono::milliseconds;

// Bytes of any payload: they are never looked at.
Payload PayloadOf(std::size_t bytes) {
  static const std::string kBytes(4096, 'x');
  Payload payload;
  if (bytes == 0) return payload;
  payload.push_back({"data",
                     DType::kUInt8,
                     {static_cast<std::int64_t>(bytes)},
                     Buffer::Share(nullptr, kBytes.data(), bytes)});
  return payload;
}

}  // namespace

const Item* WorkerProcess::ItemOf(const Job& job) const {
  const Item* item = world_.FindItem(job.run->input, job.key);
  return item != nullptr && item->stage == stage_ ? item : nullptr;
}

void WorkerProcess::Do(StartProcess& action) {
  ++progress_;
  Instant at = world_.time.Now();
  item_ends_.clear();
  for (const Job& job : action.jobs) {
    at += world_.random.Between(milliseconds(1), world_.plan.longest_job);
    const Item* item = ItemOf(job);
    if (item != nullptr && item->behaviour == Behaviour::kPoison) {
      world_.time.At(at, [self = shared_from_this(), key = job.key] {
        self->WhenAwake([self, key] {
          self->world_.audit.CulpritDeath(key);
          self->Kill("it processed " + key);
        });
      });
      return;
    }
    if (item != nullptr && item->behaviour == Behaviour::kHang) {
      world_.Trace(Name() + " hangs on " + job.key);
      hangs_ = true;
      hanging_on_ = job.key;
      return;
    }
    item_ends_.push_back(at);
  }
  auto jobs = std::make_shared<std::vector<Job>>(std::move(action.jobs));
  world_.time.At(at, [self = shared_from_this(), jobs] {
    self->WhenAwake([self, jobs] {
      self->progress_ += 1 + self->item_ends_.size();
      self->item_ends_.clear();
      std::vector<Outcome> outcomes;
      for (const Job& job : *jobs) outcomes.push_back(self->Process(job));
      self->Arrive(Source::kHandler, [self, outcomes = std::move(outcomes)]() mutable {
        self->core_.Finished(std::move(outcomes), self->world_.time.Now());
      });
    });
  });
}

Outcome WorkerProcess::Process(const Job& job) {
  if (stage_ == kScan) return Scan(job);
  Done done;
  done.meta = job.meta;
  const Item* any = world_.FindItem(job.run->input, job.key);
  Require(any != nullptr, "a job is of an item that there is", [&] { return job.key; });
  if (stage_ == kWork) done.payload = PayloadOf(any->payload);
  if (stage_ == kSave) {
    Require(PayloadBytes(job.payload) == any->payload, "a payload comes as it was given",
            [&] { return job.key; });
  }
  const Item* item = ItemOf(job);
  if (item == nullptr) return done;
  switch (item->behaviour) {
    case Behaviour::kCorrupt:
      return Failed{.code = ErrorCode::kCorrupt, .text = "as planned"};
    case Behaviour::kFlaky:
      if (world_.FirstTry(job.run->input, job.key)) {
        return Failed{.code = ErrorCode::kWriteFailed, .text = "as planned", .retryable = true};
      }
      return done;
    case Behaviour::kAlwaysFlaky:
      return Failed{.code = ErrorCode::kWriteFailed, .text = "as planned", .retryable = true};
    case Behaviour::kNotOurs:
      return Skipped{"not-ours"};
    default:
      return done;
  }
}

Outcome WorkerProcess::Scan(const Job& job) {
  const Tree& tree = world_.TreeOf(job.run->input);
  const std::size_t first = job.cursor.empty() ? 0 : std::stoul(job.cursor);
  const std::size_t end = std::min(first + tree.chunk, tree.items.size());
  Scanned scanned;
  // A folder that is being written to may name an entry twice.
  if (first > 0 && world_.random.Chance(10)) {
    scanned.found.push_back({tree.items[first - 1].key, Meta()});
  }
  for (std::size_t i = first; i < end; ++i) {
    const Item& item = tree.items[i];
    if (item.behaviour == Behaviour::kUnreadable) {
      scanned.found.push_back({item.key, Failed{.code = ErrorCode::kUnreadable, .text = "no"}});
    } else if (item.behaviour == Behaviour::kExcluded) {
      scanned.found.push_back({item.key, Skipped{"excluded"}});
    } else {
      scanned.found.push_back({item.key, Meta()});
    }
  }
  if (end < tree.items.size()) scanned.next_cursor = std::to_string(end);
  scanned.exhaustive = end == tree.items.size();
  return scanned;
}

}  // namespace millrace::sim
