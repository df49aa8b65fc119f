#include "broker/state/schema.h"

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>

#include <array>
#include <filesystem>

#include "common/os/atomic_file.h"

namespace millrace {
namespace {

// "millrace" is no four letters; this is "mrst", for file(1).
constexpr const char* kApplicationId = "PRAGMA application_id = 1836217204";

// Bytes are BLOBs: file names are no text. items is clustered by its key, so that a walk in the
// order of paths writes it from front to back, and the report reads it in that order.
constexpr const char* kVersion1 = R"sql(
-- PRAGMA user_version once more: where the two differ, a byte has changed. Every commit counts
-- itself: where the file alone is ahead of the file with its log, the log's end is gone.
CREATE TABLE version (version INTEGER NOT NULL, commits INTEGER NOT NULL);
INSERT INTO version VALUES (1, 0);
-- sum, here and below: a checksum of the row's other columns, in order (row_sum.h).
CREATE TABLE roots (
  id INTEGER PRIMARY KEY, input BLOB NOT NULL, output BLOB NOT NULL, sum INTEGER NOT NULL,
  UNIQUE (input, output));
CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, root INTEGER NOT NULL, generation INTEGER NOT NULL,
  phase INTEGER NOT NULL, options BLOB NOT NULL, stop_at_failures INTEGER NOT NULL,
  stop_at_share REAL NOT NULL, fresh INTEGER NOT NULL, verify_outputs INTEGER NOT NULL,
  prune INTEGER NOT NULL, cursor BLOB NOT NULL, scan_ended INTEGER NOT NULL,
  exhaustive INTEGER NOT NULL, resumed INTEGER NOT NULL, resumed_failed INTEGER NOT NULL,
  repeated INTEGER NOT NULL, submitted_s INTEGER NOT NULL, ended_s INTEGER NOT NULL,
  final_status BLOB NOT NULL, sum INTEGER NOT NULL);
CREATE INDEX runs_by_root ON runs (root);
-- What each stage of a run was made by, as its workers said.
CREATE TABLE recipes (
  run INTEGER NOT NULL, stage INTEGER NOT NULL, recipe BLOB NOT NULL, sum INTEGER NOT NULL,
  PRIMARY KEY (run, stage)) WITHOUT ROWID;
-- Digests of the recipes of all stages up to one, by number.
CREATE TABLE recipe_ids (
  id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, sum INTEGER NOT NULL);
CREATE TABLE items (
  root INTEGER NOT NULL, key BLOB NOT NULL, generation INTEGER NOT NULL, state INTEGER NOT NULL,
  stage INTEGER NOT NULL, recipe INTEGER NOT NULL, meta BLOB, code TEXT, text TEXT,
  attempts INTEGER NOT NULL, unclaimed_deaths INTEGER NOT NULL, link_losses INTEGER NOT NULL,
  alone INTEGER NOT NULL, outputs BLOB, warnings TEXT, sum INTEGER NOT NULL,
  PRIMARY KEY (root, key)) WITHOUT ROWID;
-- Lines of OUTPUT/.millrace/NAME.jsonl, in the order in which they are written there.
CREATE TABLE records (
  root INTEGER NOT NULL, name TEXT NOT NULL, key BLOB NOT NULL, line BLOB NOT NULL,
  sum INTEGER NOT NULL, PRIMARY KEY (root, name, key)) WITHOUT ROWID;
)sql";

constexpr const char* kVersion2 = R"sql(
-- What a walk said of an item that has an earlier outcome, and which that is not (item_row.h).
ALTER TABLE items ADD COLUMN said TEXT;
-- What of earlier runs did not count for this one (redone.h).
ALTER TABLE runs ADD COLUMN redone TEXT;
)sql";

constexpr std::array<const char*, 2> kSteps = {kVersion1, kVersion2};

}  // namespace

std::span<const char* const> SchemaSteps() { return kSteps; }

namespace {

// SQLite copies into no file that is there: a crash in the middle must not be in the way of the
// next try.
Result<void> CopyBeside(SQLite::Database& database, const std::string& path, int version) {
  const std::string copy = path + ".version-" + std::to_string(version);
  const std::string unfinished = copy + ".new";
  std::error_code error;
  std::filesystem::remove(unfinished, error);
  SQLite::Statement statement(database, "VACUUM INTO ?");
  statement.bind(1, unfinished);
  statement.exec();
  std::filesystem::rename(unfinished, copy, error);
  if (!error) {
    // On disk before the state itself is changed.
    RETURN_IF_ERROR(SyncFile(copy));
    return {};
  }
  return Fail(ErrorCode::kWriteFailed,
              "cannot keep a copy of the older state as " + copy + ": " + error.message());
}

}  // namespace

Result<void> RefuseNewer(SQLite::Database& database, const std::string& path,
                         std::span<const char* const> steps) {
  const int last = static_cast<int>(steps.size());
  const int version = database.execAndGet("PRAGMA user_version").getInt();
  if (version <= last || database.execAndGet("SELECT version FROM version").getInt() != version) {
    return {};
  }
  return Fail(ErrorCode::kUsage,
              "the state " + path + " was made by a newer millrace (version " +
                  std::to_string(version) + " of the tables; this one knows up to " +
                  std::to_string(last) + "): use that one, or another state folder");
}

Result<void> Migrate(SQLite::Database& database, const std::string& path,
                     std::span<const char* const> steps) {
  RETURN_IF_ERROR(RefuseNewer(database, path, steps));
  const int last = static_cast<int>(steps.size());
  const int version = database.execAndGet("PRAGMA user_version").getInt();
  if (version >= last) return {};
  if (version > 0) RETURN_IF_ERROR(CopyBeside(database, path, version));
  SQLite::Transaction transaction(database);
  for (int step = version; step < last; ++step)
    database.exec(steps[static_cast<std::size_t>(step)]);
  database.exec(kApplicationId);
  database.exec("PRAGMA user_version = " + std::to_string(last));
  database.exec("UPDATE version SET version = " + std::to_string(last));
  transaction.commit();
  return {};
}

}  // namespace millrace
