// Audit: what becomes of items and runs.
#include "tests/simulation/audit.h"

#include <algorithm>

#include "tests/simulation/violation.h"
#include "tests/simulation/world.h"

namespace millrace::sim {

void Audit::BrokerStarts(const Broker& broker, Epoch epoch) {
  broker_ = &broker;
  queue_ = &broker.queue();
  epoch_ = epoch;
  durable_ = 0;
  peers_.clear();
  sendings_.clear();
  latest_.clear();
  losses_.clear();
  verdicts_.clear();
  marks_.clear();
  ended_.clear();
  started_with_.clear();
  untouched_.clear();
  untouched_worker_.reset();
}

void Audit::Posted(std::uint64_t number, const StateRequest& request) {
  if (const auto* ended = std::get_if<ItemEnded>(&request)) return ItemEnds(number, *ended);
  if (const auto* marked = std::get_if<ItemMarked>(&request)) return ItemIsMarked(number, *marked);
  if (const auto* close = std::get_if<CloseRun>(&request)) return RunCloses(*close);
  if (const auto* scan = std::get_if<RecordScan>(&request)) {
    const auto verdict = verdicts_.find({scan->run, ""});
    Require(verdict != verdicts_.end(), "a chunk is recorded when it was reported");
    sendings_.at(verdict->second.lease).must_be_durable = number;
    verdicts_.erase(verdict);
  }
}

void Audit::ItemEnds(std::uint64_t number, const ItemEnded& ended) {
  const ItemId item{ended.run, ended.key};
  const auto explain = [&] { return ended.key + " '" + ended.code + "'"; };
  if (world_.tracing()) world_.Trace("ends " + explain());
  Require(ended_.insert(item).second, "an item has one outcome", explain);
  if (ended.code == "worker-died" && !verdicts_.contains(item)) {
    const int attempts = marks_[item][ended.stage].attempts + 1;
    Require(attempts >= world_.plan.topology.stages[ended.stage].max_attempts,
            "an item is given up after max_attempts", explain);
    return TakeCharge(item, explain());
  }
  const auto found = verdicts_.find(item);
  Require(found != verdicts_.end(), "an outcome comes of a report that counts", explain);
  const Verdict& verdict = found->second;
  Require(verdict.outcome == ended.outcome && verdict.code == ended.code,
          "an outcome is what was reported", explain);
  if (verdict.retryable) {
    const int attempts = marks_[item][ended.stage].attempts + 1;
    Require(attempts >= world_.plan.topology.stages[ended.stage].max_attempts,
            "an item is given up after max_attempts", explain);
  }
  sendings_.at(verdict.lease).must_be_durable = number;
  verdicts_.erase(found);
}

void Audit::ItemIsMarked(std::uint64_t number, const ItemMarked& marked) {
  const ItemId item{marked.run, marked.key};
  ItemMarks& known = marks_[item][marked.marks.stage];
  const auto explain = [&] { return marked.key; };
  if (world_.tracing()) {
    world_.Trace("mark " + marked.key + ": attempts " + std::to_string(marked.marks.attempts) +
                 (marked.marks.alone ? ", alone" : ""));
  }
  Require(marked.marks.attempts == known.attempts || marked.marks.attempts == known.attempts + 1,
          "attempts are charged one by one", explain);
  if (marked.marks.attempts > known.attempts) {
    const auto verdict = verdicts_.find(item);
    if (verdict != verdicts_.end() && verdict->second.retryable) {
      sendings_.at(verdict->second.lease).must_be_durable = number;
      verdicts_.erase(verdict);
    } else {
      TakeCharge(item, marked.key);
    }
  }
  if (marked.marks.alone && !known.alone) {
    const bool lost = std::any_of(losses_.begin(), losses_.end(),
                                  [&](const Loss& loss) { return loss.item == item; });
    Require(lost, "only an item that was lost becomes alone", explain);
  }
  known = marked.marks;
}

void Audit::TakeCharge(const ItemId& item, const std::string& what) {
  const Instant now = world_.time.Now();
  const auto charge = std::find_if(losses_.begin(), losses_.end(), [&](const Loss& loss) {
    if (loss.item != item || loss.charged || !loss.by_itself) return false;
    // A process that hangs is as good as dead.
    if (!world_.Works(loss.boot)) return true;
    return !loss.alive && now - loss.when >= kLossGrace;
  });
  Require(charge != losses_.end(),
          "an attempt is charged to an item that failed, or died or was lost by itself",
          [&] { return what; });
  charge->charged = true;
}

void Audit::Listed(const std::string& output, const WriteList& list) {
  if (list.what != WriteList::What::kFailed) return;
  WrittenReport& report = reports_[output];
  for (const ListedItem& item : list.items) {
    Require(report.last < item.key, "failures are listed in the order of their keys, each once",
            [&] { return item.key; });
    report.last = item.key;
    ++report.failures;
  }
}

void Audit::RunCloses(const CloseRun& close) {
  const auto explain = [&] { return "run " + std::to_string(close.run.value()); };
  const wire::RunStatus& status = close.status;
  Require(status.reason.find("does not agree") == std::string::npos,
          "the state agrees with the queue", [&] { return status.reason; });
  const WrittenReport& report = reports_[status.output];
  Require(report.is_written, "a run ends once its report is written", explain);
  Require(report.failures == status.failed, "every failure is listed", explain);
  Require((close.phase == StoredPhase::kDone) == (status.state == "done"),
          "a run that is done is recorded as done", explain);
  if (close.phase != StoredPhase::kDone) return;
  Require(status.scan_complete && scans_ended_.contains(close.run),
          "no run is done before its scan", explain);
  Require(status.scanned == status.ok + status.failed + status.skipped,
          "no run is done before all its items are", explain);
}

void Audit::Answered(const StateRequest& request, const Result<StateAnswer>& answer) {
  if (!answer) return;
  if (const auto* start = std::get_if<StartRun>(&request)) {
    const auto& from = std::get<RunStart>(*answer);
    if (from.scan_ended)
      scans_ended_.insert(start->run);
    else
      scans_ended_.erase(start->run);
    started_with_[start->run] = from.open.size();
    for (const OpenItem& item : from.open) {
      const ItemId id{start->run, item.key};
      if (start->how == LoadMode::kRestored) {
        Require(!told_.contains(id), "what was confirmed survives the broker",
                [&] { return item.key; });
      }
      told_.erase(id);
      ended_.erase(id);
    }
    TakeOpen(start->run, from.open);
  } else if (const auto* scan = std::get_if<RecordScan>(&request)) {
    if (!scan->next_cursor) scans_ended_.insert(scan->run);
    TakeOpen(scan->run, std::get<ScanRecorded>(*answer).open);
  }
}

void Audit::TakeOpen(RunId run, const std::vector<OpenItem>& open) {
  for (const OpenItem& item : open) {
    auto& marks = marks_[{run, item.key}];
    marks.clear();
    if (item.marks.stage > 0) marks[item.marks.stage] = item.marks;
  }
}

void Audit::TurnTaken() {
  for (const auto& [id, worker] : queue_->workers()) {
    const auto peer = peers_.find(id);
    Require(peer != peers_.end(), "a worker that is joined has a feed");
    Require(worker.held.size() == peer->second.outstanding.size(),
            "the queue knows what each worker holds",
            [&, id = id] { return std::to_string(id.value()); });
  }
  for (const auto& [id, run] : queue_->runs()) {
    Require(run.counts.ended() <= run.counts.scanned, "no more ends than there is");
  }
  const std::optional<std::string> broken = queue_->BrokenInvariant();
  Require(!broken.has_value(), "the queue's books agree", [&] { return *broken; });
  CheckBytes();
  CheckLives();
}

// The queue has what is Active, Pausing or Stopping, and nothing else; what is at rest is at rest.
void Audit::CheckLives() {
  std::size_t queued = 0;
  broker_->runs().ForEachLife([&](const RunLifecycle& life) {
    const auto explain = [&] {
      return "run " + std::to_string(life.run().value()) + " is " + life::StateName(life.state());
    };
    const bool in_queue = queue_->FindRun(life.run()) != nullptr;
    queued += in_queue;
    Require(in_queue == life.in_queue(), "a run's life knows whether the queue has it", explain);
    const life::State state = life.state();
    Require(!in_queue || state == life::State::kActive || state == life::State::kPausing ||
                state == life::State::kStopping,
            "the queue has a run that is active, pausing or stopping", explain);
    Require(in_queue || state != life::State::kActive, "an active run is in the queue", explain);
    Require(state == life::State::kOpening || state == life::State::kPaused ||
                state == life::State::kEnded || life.has_folder(),
            "a run that does something holds its folder", explain);
  });
  Require(queued == queue_->runs().size(), "the queue has no run without a life");
}

// DESIGN: budget + (active runs + upstream in flight) * max_payload; what a run starts with is
// queued at once, at a stated constant for each open item.
void Audit::CheckBytes() {
  constexpr std::size_t kStrings = 64;
  constexpr std::size_t kItem = kJobOverheadBytes + kStrings;
  std::size_t open = 0;
  std::size_t chunk = 1;
  for (const auto& [run, count] : started_with_) open += count;
  for (const Tree& tree : world_.plan.trees) chunk = std::max(chunk, tree.chunk + 1);
  const std::size_t runs = queue_->runs().size();
  for (StageIndex stage = 1; stage < kStages; ++stage) {
    const StageSettings& settings = queue_->settings()[stage];
    const std::size_t bytes = queue_->Totals(stage, world_.time.Now()).bytes;
    const std::size_t bound =
        stage == kWork
            ? settings.budget + (runs + most_credit_[kScan]) * chunk * kItem + open * kItem
            : settings.budget + (runs + most_credit_[kWork]) * (settings.max_payload + kItem);
    Require(bytes <= bound, "the bytes of a stage are bounded", [&] {
      return settings.name + " holds " + std::to_string(bytes) + " of " + std::to_string(bound);
    });
  }
}

void Audit::CulpritDeath(const std::string& key) {
  const std::size_t deaths = ++culprits_[key];
  const Item& item = world_.ItemByKey(key);
  const auto max_attempts =
      static_cast<std::size_t>(world_.plan.topology.stages[item.stage].max_attempts);
  // Its CLAIM may die with it.
  const std::size_t early = item.behaviour == Behaviour::kHang ? 0 : 2;
  // A process may die of an item that it has lost the right to meanwhile.
  const std::size_t losses = world_.disturbances();
  const std::size_t bound = (1 + max_attempts + early) * world_.Submissions(key) + losses;
  Require(deaths <= bound, "a culprit costs at most 1 + max_attempts processes",
          [&] { return key + " cost " + std::to_string(deaths) + " of " + std::to_string(bound); });
}

}  // namespace millrace::sim
