// State: transactions and runs.
#include "broker/state/state.h"

#include <SQLiteCpp/Transaction.h>

#include <algorithm>
#include <array>
#include <utility>

#include "broker/state/query.h"
#include "broker/state/row_sql.h"
#include "broker/state/small_rows.h"
#include "broker/state/statements.h"
#include "common/os/atomic_file.h"

namespace millrace {
namespace {

std::int64_t NextOf(SQLite::Statement& statement) {
  Query query(statement);
  query.Step();
  return query.NumberAt(0);
}

Error NoRun(RunId run) { return {ErrorCode::kNotFound, "no run " + std::to_string(run.value())}; }

}  // namespace

bool IsEnvironmentFailure(std::string_view code) {
  constexpr std::array kCodes = {
      ErrorCode::kWriteFailed, ErrorCode::kUnreadable, ErrorCode::kTimeout, ErrorCode::kWorkerDied,
      ErrorCode::kLostWorker,  ErrorCode::kInternal,   ErrorCode::kProtocol};
  return std::any_of(kCodes.begin(), kCodes.end(),
                     [&](ErrorCode each) { return ErrorCodeName(each) == code; });
}

State::State(std::shared_ptr<SQLite::Database> database, std::size_t stages)
    : database_(std::move(database)),
      stages_(stages),
      statements_(std::make_unique<Statements>(*database_)) {}

State::~State() {
  if (in_transaction_) Rollback();
}

Result<void> State::Begin() {
  return Guarded("beginning a transaction", [&]() -> Result<void> {
    database_->exec("BEGIN IMMEDIATE");
    in_transaction_ = true;
    return {};
  });
}

Result<void> State::Commit() {
  return Guarded("writing to disk", [&]() -> Result<void> {
    Query(statements_->count_commit).Run();
    database_->exec("COMMIT");
    in_transaction_ = false;
    return {};
  });
}

void State::Rollback() {
  // Where SQLite has rolled back by itself (a full disk), this fails and is not needed.
  database_->tryExec("ROLLBACK");
  in_transaction_ = false;
  contexts_.clear();
  record_names_.clear();
}

std::optional<RunRow> State::ReadRun(RunId run) {
  Query query(statements_->read_run);
  if (!query.Number(static_cast<std::int64_t>(run.value())).Step()) return std::nullopt;
  return ReadRunRow(query);
}

std::optional<RunRow> State::LatestOfRoot(std::int64_t root) {
  Query query(statements_->latest_run);
  if (!query.Number(root).Step()) return std::nullopt;
  return ReadRunRow(query);
}

void State::WriteRun(const RunRow& row) {
  Query query(statements_->write_run);
  BindRun(query, row);
  query.Run();
}

std::int64_t State::NextGeneration() {
  return database_->execAndGet("SELECT COALESCE(MAX(generation), 0) + 1 FROM runs").getInt64();
}

Result<std::vector<std::string>> State::PlacesOf(const std::string& folder,
                                                 const std::string& output) {
  return Guarded("reading places", [&]() -> Result<std::vector<std::string>> {
    std::set<std::string> places;
    for (const RootRow& root : RootsOfFolder(folder)) {
      std::string path = OutputPlace::Decode(root.output).path;
      if (path != output) places.insert(std::move(path));
    }
    return std::vector<std::string>(places.begin(), places.end());
  });
}

Result<RunOpened> State::Open(const RunOrder& order, std::int64_t now_s,
                              const std::set<std::string>& copies) {
  return Guarded("opening a run", [&]() -> Result<RunOpened> {
    const std::int64_t root = RootOf(order, copies);
    RunOpened opened;
    opened.order = order;
    std::optional<RunRow> latest = LatestOfRoot(root);
    RunRow row;
    if (latest && latest->phase != StoredPhase::kDone && !order.fresh &&
        latest->order.SameWork(order)) {
      row = *latest;
      opened.continued = true;
      opened.has_history = true;
    } else {
      row.id = RunId(static_cast<std::uint64_t>(
          database_
              ->execAndGet("SELECT MAX(COALESCE((SELECT seq FROM sqlite_sequence WHERE name = "
                           "'runs'), 0), COALESCE((SELECT MAX(id) FROM runs), 0)) + 1")
              .getInt64()));
      row.root = root;
      row.generation = NextGeneration();
      row.submitted_s = now_s;
    }
    row.order = order;
    row.phase = StoredPhase::kActive;
    row.ended_s = 0;
    row.final_status.clear();
    opened.has_history = opened.has_history || (!order.fresh && HasItems(row));
    WriteRun(row);
    contexts_.erase(row.id);
    copies_[row.id] = copies;
    Supersede(order, row.id, copies);
    opened.run = row.id;
    return opened;
  });
}

// Else a broker that starts would take it up again, into the same output.
void State::Supersede(const RunOrder& order, RunId by, const std::set<std::string>& copies) {
  std::vector<RunRow> others;
  {
    SQLite::Statement statement(*database_,
                                std::string(kSelectRuns) + "WHERE phase < 2 AND runs.id != ?");
    Query query(statement);
    query.Number(static_cast<std::int64_t>(by.value()));
    while (query.Step()) others.push_back(ReadRunRow(query));
  }
  for (RunRow& row : others) {
    if (!IsIntoTheSame(row.order, order, copies)) continue;
    row.phase = StoredPhase::kStopped;
    WriteRun(row);
    contexts_.erase(row.id);
  }
}

Result<RunOpened> State::Retry(const std::string& output, const std::string& folder,
                               std::optional<std::int64_t> stage, const std::string& code,
                               const std::set<std::string>& copies) {
  return Guarded("retrying failures", [&]() -> Result<RunOpened> {
    std::optional<RunRow> latest = LatestInto(output, folder, copies);
    if (!latest) return Fail(ErrorCode::kNotFound, "no run into " + output + " is known");
    std::vector<ItemRow> again;
    ForEachItem(latest->root, [&](ItemRow& row) {
      const bool chosen = row.generation == latest->generation && row.said.empty() &&
                          row.state == ItemState::kFailed && row.stage > 0 &&
                          (!stage || row.stage == *stage) && (code.empty() || row.code == code);
      if (chosen) again.push_back(std::move(row));
    });
    if (again.empty()) {
      return Fail(ErrorCode::kNotFound, "no failed item of the latest run into " + output +
                                            " matches: there is nothing to retry");
    }
    for (ItemRow& row : again) {
      ItemRow open;
      open.root = row.root;
      open.key = std::move(row.key);
      open.generation = row.generation;
      open.meta = std::move(row.meta);
      WriteItem(open);
    }
    latest->phase = StoredPhase::kActive;
    latest->ended_s = 0;
    latest->final_status.clear();
    WriteRun(*latest);
    contexts_.erase(latest->id);
    copies_[latest->id] = copies;
    Supersede(latest->order, latest->id, copies);
    return RunOpened{latest->id, latest->order, true, true};
  });
}

Result<std::vector<RunRow>> State::Latest(std::int64_t most) {
  return Guarded("reading the runs", [&]() -> Result<std::vector<RunRow>> {
    std::vector<RunRow> rows;
    SQLite::Statement statement(*database_,
                                std::string(kSelectRuns) +
                                    "WHERE phase < 2 OR runs.id > (SELECT MAX(id) FROM runs) - ? "
                                    "ORDER BY runs.id");
    Query query(statement);
    for (query.Number(most); query.Step();) rows.push_back(ReadRunRow(query));
    return rows;
  });
}

Result<std::optional<RunRow>> State::Find(RunId run) {
  return Guarded("reading a run", [&]() -> Result<std::optional<RunRow>> { return ReadRun(run); });
}

Result<State::RunContext*> State::Context(RunId run) {
  const auto found = contexts_.find(run);
  if (found != contexts_.end()) return &found->second;
  std::optional<RunRow> row = ReadRun(run);
  if (!row) return millrace::Fail(NoRun(run));
  RunContext& context = contexts_[run];
  context.row = std::move(*row);
  context.redone = Redone::Decode(context.row.redone);
  context.others = OthersInto(context.row);
  LoadRecipes(context);
  return &context;
}

void State::LoadRecipes(RunContext& context) {
  context.recipes.assign(stages_, std::nullopt);
  Query query(statements_->read_recipes);
  query.Number(static_cast<std::int64_t>(context.row.id.value()));
  while (query.Step()) {
    const auto stage = static_cast<std::size_t>(query.NumberAt(0));
    if (stage < stages_) context.recipes[stage] = query.BytesAt(1);
  }
  context.recipe_ids.assign(stages_, 0);
  for (std::size_t stage = 1; stage < stages_; ++stage) {
    context.recipe_ids[stage] = RecipeId(context.recipes, stage);
  }
}

std::int64_t State::RecipeId(const Recipes& recipes, std::size_t stage) {
  // The recipes themselves, one after the other with their lengths: what is compared is all of it.
  std::string digest;
  for (std::size_t each = 1; each <= stage; ++each) {
    if (!recipes[each]) return 0;
    digest += static_cast<char>(recipes[each]->size());
    digest += *recipes[each];
  }
  {
    Query find(statements_->find_recipe_id);
    if (find.Bytes(digest).Step()) return find.NumberAt(0);
  }
  const RecipeIdRow row{NextOf(statements_->next_recipe_id), digest};
  WriteRow(statements_->write_recipe_id, row);
  return row.id;
}

Result<RunStart> State::Start(RunId run, const Recipes& recipes, LoadMode how,
                              const std::set<std::string>& copies) {
  return Guarded("starting a run", [&]() -> Result<RunStart> {
    copies_[run] = copies;
    ASSIGN_OR_RETURN(RunContext* const context, Context(run));
    context->others = OthersInto(context->row);
    bool changed = false;
    for (std::size_t stage = 1; stage < stages_ && how != LoadMode::kCountsOnly; ++stage) {
      if (!recipes[stage]) continue;
      changed = changed || (context->recipes[stage] && *context->recipes[stage] != *recipes[stage]);
      WriteRow(statements_->write_recipe,
               RecipeRow{static_cast<std::int64_t>(run.value()), static_cast<std::int64_t>(stage),
                         *recipes[stage]});
    }
    LoadRecipes(*context);
    if (changed && how != LoadMode::kRetried) {
      context->row.generation = NextGeneration();
      context->row.cursor.clear();
      context->row.scan_ended = false;
      context->row.exhaustive = false;
      context->row.repeated = 0;
      context->row.resumed = context->row.resumed_failed = 0;
      context->row.redone.clear();
      context->redone = {};
    }
    const std::int64_t damaged_before = damaged_rows_;
    RunStart start = CollectStart(*context, how);
    // Which items those were cannot be told, and a walk that goes on does not name them again.
    if (damaged_rows_ != damaged_before && (start.scan_ended || !start.cursor.empty())) {
      return Fail(ErrorCode::kUnreadable,
                  "the state: " + std::to_string(damaged_rows_ - damaged_before) +
                      " rows of items have changed on disk since they were written; a broker that "
                      "starts anew takes over the others");
    }
    WriteRun(context->row);
    return start;
  });
}

RunStart State::CollectStart(RunContext& context, LoadMode how) {
  RunRow& run = context.row;
  RunStart start;
  start.cursor = run.cursor;
  start.scan_ended = run.scan_ended;
  {
    Query any(statements_->any_of_generation);
    if (!any.Number(run.root).Number(run.generation).Step()) return start;  // nothing was named yet
  }
  std::vector<ItemRow> reopened;
  ForEachItem(run.root, [&](ItemRow& row) {
    if (row.generation != run.generation) return;
    row.TakeWhatWasSaid();
    start.counts.scanned += 1;
    if (how == LoadMode::kSubmitted && row.state == ItemState::kFailed && row.stage > 0 &&
        IsEnvironmentFailure(row.code)) {
      ItemRow open;
      open.root = row.root;
      open.key = row.key;
      open.generation = row.generation;
      open.meta = row.meta;
      reopened.push_back(std::move(open));
      row.state = ItemState::kOpen;
      row.marks = {};
    }
    switch (row.state) {
      case ItemState::kOpen:
        start.open.push_back({std::move(row.key), std::move(row.meta), row.marks});
        return;
      case ItemState::kOk:
        start.counts.ok += 1;
        return;
      case ItemState::kFailed:
        start.counts.failed += 1;
        start.counts.failed_by[row.code] += 1;
        return;
      case ItemState::kSkipped:
        start.counts.skipped += 1;
        return;
    }
  });
  for (const ItemRow& row : reopened) WriteItem(row);
  if (how == LoadMode::kSubmitted || how == LoadMode::kRetried) {
    run.resumed = start.counts.ok + start.counts.failed;
    run.resumed_failed = start.counts.failed;
  }
  start.counts.resumed = run.resumed;
  start.counts.resumed_failed = run.resumed_failed;
  // How many of each code were taken over is not on disk. Where some were, none passes for the
  // run's own.
  if (run.resumed_failed > 0) start.counts.resumed_failed_by = start.counts.failed_by;
  start.counts.repeated = run.repeated;
  return start;
}

Result<void> State::SetRecipe(RunId run, std::int64_t stage, const std::string& recipe) {
  return Guarded("recording a recipe", [&]() -> Result<void> {
    ASSIGN_OR_RETURN(RunContext* const context, Context(run));
    if (context->recipes.at(static_cast<std::size_t>(stage))) return {};
    WriteRow(statements_->write_recipe,
             RecipeRow{static_cast<std::int64_t>(run.value()), stage, recipe});
    LoadRecipes(*context);
    return {};
  });
}

Result<void> State::SetPhase(RunId run, StoredPhase phase) {
  return Guarded("recording a run's phase", [&]() -> Result<void> {
    ASSIGN_OR_RETURN(RunContext* const context, Context(run));
    context->row.phase = phase;
    WriteRun(context->row);
    return {};
  });
}

Result<void> State::Close(RunId run, StoredPhase phase, const wire::RunStatus& status,
                          std::int64_t now_s) {
  return Guarded("recording a run's end", [&]() -> Result<void> {
    ASSIGN_OR_RETURN(RunContext* const context, Context(run));
    context->row.phase = phase;
    context->row.ended_s = now_s;
    context->row.final_status = EncodeStatus(status);
    WriteRun(context->row);
    contexts_.erase(run);
    copies_.erase(run);
    return {};
  });
}

Result<void> State::Forget(std::int64_t runs, std::int64_t before_s) {
  return Guarded("forgetting old runs", [&]() -> Result<void> {
    contexts_.clear();
    int forgotten = 0;
    if (runs > 0) {
      SQLite::Statement statement(*database_,
                                  "DELETE FROM runs WHERE phase IN (2, 3) AND id NOT IN (SELECT id "
                                  "FROM runs WHERE phase IN (2, 3) ORDER BY id DESC LIMIT ?)");
      Query(statement).Number(runs).Run();
      forgotten += database_->getChanges();
    }
    if (before_s > 0) {
      SQLite::Statement statement(*database_,
                                  "DELETE FROM runs WHERE phase IN (2, 3) AND ended_s < ?");
      Query(statement).Number(before_s).Run();
      forgotten += database_->getChanges();
    }
    if (forgotten == 0) return {};
    database_->exec("DELETE FROM items WHERE root NOT IN (SELECT root FROM runs)");
    ForgetUnnamed();
    database_->exec(
        "DELETE FROM records WHERE NOT EXISTS (SELECT 1 FROM items WHERE items.root = records.root "
        "AND items.key = records.key)");
    database_->exec("DELETE FROM recipes WHERE run NOT IN (SELECT id FROM runs)");
    database_->exec("DELETE FROM roots WHERE id NOT IN (SELECT root FROM runs)");
    return {};
  });
}

// What runs over parts have not named is not gone: only a walk of the whole tells that.
void State::ForgetUnnamed() {
  SQLite::Statement select(
      *database_,
      "SELECT items.root, key, whole FROM items JOIN (SELECT root, MIN(generation) AS oldest, "
      "MAX(CASE WHEN scan_ended AND exhaustive THEN generation END) AS whole FROM runs GROUP BY "
      "root HAVING MIN(phase) >= 2) AS kept ON kept.root = items.root WHERE items.generation < "
      "oldest AND whole IS NOT NULL");
  std::vector<std::pair<std::int64_t, std::string>> unnamed;
  for (Query query(select); query.Step();) {
    const std::int64_t root = query.NumberAt(0);
    std::string key = query.BytesAt(1);
    if (!IsPassedOver(root, query.NumberAt(2), key)) unnamed.emplace_back(root, std::move(key));
  }
  for (const auto& [root, key] : unnamed) {
    Query(statements_->remove_item).Number(root).Bytes(key).Run();
  }
}

Result<void> State::BackUp(const std::string& path) {
  return Guarded("copying to " + path, [&]() -> Result<void> {
    SQLite::Statement copy(*database_, "VACUUM INTO ?");
    Query(copy).Text(path).Run();
    RETURN_IF_ERROR(SyncFile(path));
    return {};
  });
}

}  // namespace millrace
