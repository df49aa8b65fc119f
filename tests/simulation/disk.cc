#include "tests/simulation/disk.h"

#include <sqlite3.h>

#include <utility>

#include "broker/state/schema.h"
#include "tests/simulation/violation.h"

namespace millrace::sim {
namespace {

using std::chrono::microseconds;

int RefuseCommit(void* argument) {
  auto& disk = *static_cast<Disk*>(argument);
  if (disk.commits_to_fail == 0) return 0;
  --disk.commits_to_fail;
  ++disk.commits_failed;
  return 1;
}

}  // namespace

std::shared_ptr<SQLite::Database> Disk::MakeDatabase() {
  auto database =
      std::make_shared<SQLite::Database>(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  Require(Migrate(*database, ":memory:").has_value(), "the schema cannot be made");
  return database;
}

Disk::Disk(std::shared_ptr<SQLite::Database> database) : database_(std::move(database)) {
  for (const char* table : {"roots", "runs", "recipes", "recipe_ids", "items", "records"}) {
    database_->exec(std::string("DELETE FROM ") + table);
  }
  database_->exec("DELETE FROM sqlite_sequence");
  sqlite3_commit_hook(database_->getHandle(), RefuseCommit, this);
}

// The database serves the next world too.
Disk::~Disk() { sqlite3_commit_hook(database_->getHandle(), nullptr, nullptr); }

std::unique_ptr<State> Disk::Open() const { return std::make_unique<State>(database_, kStages); }

DiskWriter::DiskWriter(Disk& disk, std::unique_ptr<State> state, Scheduler& time, Random& random,
                       Events events)
    : disk_(disk),
      commit_(std::move(state)),
      time_(time),
      random_(random),
      events_(std::move(events)) {}

std::uint64_t DiskWriter::Post(StateRequest request) {
  waiting_.push_back({++posted_, std::move(request)});
  if (!writing_) Begin();
  return posted_;
}

void DiskWriter::Begin() {
  writing_ = true;
  // Whatever is posted in the same moment may be of this batch or of the next.
  time_.In(microseconds(random_.Below(100)), [this, alive = alive_] {
    if (!*alive) return;
    batch_.swap(waiting_);
    const Duration fsync = microseconds(100 + random_.Below(8000)) + disk_.slowness;
    time_.In(fsync, [this, alive] {
      if (*alive) Sync();
    });
  });
}

void DiskWriter::Sync() {
  const std::deque<GroupCommit::Posted> asked = batch_;
  std::size_t told = 0;
  const std::shared_ptr<bool> alive = alive_;
  const Result<void> done =
      commit_.CarryOut(batch_, [&](std::vector<StateAnswered> answers, std::uint64_t through) {
        for (StateAnswered& each : answers) {
          while (asked[told].number != each.number) ++told;
          events_.answered(asked[told].request, each.answer);
          progress_.answers.push_back(std::move(each));
        }
        progress_.durable = through;
        events_.committed(through);
      });
  batch_.clear();
  if (!done) {
    progress_.broken = done.error();
  } else {
    writing_ = false;
    if (!waiting_.empty()) Begin();
  }
  events_.readable();
}

StateProgress DiskWriter::Take() {
  StateProgress taken;
  taken.durable = progress_.durable;
  taken.broken = progress_.broken;
  taken.answers.swap(progress_.answers);
  taken_ = taken.durable;
  return taken;
}

}  // namespace millrace::sim
