#include "broker/state/salvage.h"

#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "broker/state/row_sql.h"
#include "broker/state/schema.h"
#include "broker/state/small_rows.h"

namespace millrace {
namespace {

// "a, b" as "a DESC, b DESC".
std::string Ordered(std::string order, bool backwards) {
  if (!backwards) return order;
  for (std::size_t at = order.find(','); at != std::string::npos; at = order.find(',', at + 6)) {
    order.insert(at, " DESC");
  }
  return order + " DESC";
}

// Calls `take` for every row of the query that can be reached: in its order up to the first place
// that cannot be read, then from the other end. False where there was such a place.
bool EachRow(SQLite::Database& database, const std::string& select, const std::string& order,
             const std::function<void(Query&)>& take) {
  for (const bool backwards : {false, true}) {
    std::optional<SQLite::Statement> statement;
    try {
      statement.emplace(database, select + " ORDER BY " + Ordered(order, backwards));
    } catch (const SQLite::Exception&) {
      return false;  // no such table, or no database at all
    }
    Query query(*statement);
    bool more = true;
    while (more) {
      try {
        more = query.Step();
      } catch (const SQLite::Exception&) {
        break;  // the other half from the other end
      }
      if (more) take(query);  // what this throws is not the damaged file's
    }
    if (!more) return !backwards;
  }
  return false;
}

// Likewise for the tables of small_rows.h. False where a row cannot be read or is not the one that
// was written; `take` gets the others.
template <typename Row>
bool EachSmallRow(SQLite::Database& database, const std::function<void(const Row&)>& take) {
  bool sums = true;
  const bool all = EachRow(database, Row::kSelect, Row::kOrder, [&](Query& query) {
    const Row row = Row::Read(query);
    if (query.NumberAt(Row::kSumColumn) == static_cast<std::int64_t>(row.Sum())) {
      take(row);
    } else {
      sums = false;
    }
  });
  return all && sums;
}

template <typename Row>
bool HasItsSums(SQLite::Database& database) {
  return EachSmallRow<Row>(database, [](const Row&) {});
}

template <typename Row>
void CopySmallRows(SQLite::Database& from, SQLite::Database& to) {
  SQLite::Statement statement(to, Row::kWrite);
  EachSmallRow<Row>(from, [&](const Row& row) {
    Query query(statement);
    row.Bind(query);
    query.Run();
  });
}

// The tables as SQL, one after the other.
std::string SchemaOf(SQLite::Database& database) {
  SQLite::Statement select(database, "SELECT type, name, sql FROM sqlite_master ORDER BY name");
  std::string schema;
  while (select.executeStep()) {
    for (int column = 0; column < 3; ++column) schema += select.getColumn(column).getString() + ';';
  }
  return schema;
}

// Whether a byte of what the tables are made of has changed: a column of another type or name reads
// its rows otherwise.
bool HasItsTables(SQLite::Database& database) {
  const int version = database.execAndGet("PRAGMA user_version").getInt();
  if (database.execAndGet("SELECT version FROM version").getInt() != version) return false;
  const auto steps = static_cast<std::size_t>(std::max(version, 0));
  if (steps > SchemaSteps().size()) return true;  // a newer millrace knows
  SQLite::Database made(":memory:", SQLite::OPEN_READWRITE);
  if (!Migrate(made, ":memory:", SchemaSteps().first(steps))) return false;
  return SchemaOf(database) == SchemaOf(made);
}

// How rows of runs and of items are to be asked for, in whatever version the tables are.
struct Selects {
  explicit Selects(SQLite::Database& database) {
    try {
      const SQLite::Statement of_version_2(database, "SELECT said, redone FROM items, runs");
    } catch (const SQLite::Exception&) {
      runs = kSelectRunsOfVersion1;
      items = kSelectItemsOfVersion1;
    }
  }
  const char* runs = kSelectRuns;
  const char* items = kSelectItems;
};

bool IsOk(SQLite::Database& database, const char* check) {
  return database.execAndGet(check).getString() == "ok";
}

// A row of these is looked for by its index, which the quick check does not look at.
bool HasItsIndexes(SQLite::Database& database) {
  for (const char* check : {"PRAGMA integrity_check(roots)", "PRAGMA integrity_check(runs)",
                            "PRAGMA integrity_check(recipe_ids)"}) {
    if (!IsOk(database, check)) return false;
  }
  return database.execAndGet("SELECT COUNT(*) FROM runs WHERE root NOT IN (SELECT id FROM roots)")
             .getInt64() == 0;
}

// "%41" for all that a URI might take for its own.
std::string UriOf(const std::string& path) {
  constexpr const char* kDigits = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char letter : path) {
    const auto byte = static_cast<unsigned char>(letter);
    if ((byte >= 'a' && byte <= 'z') || byte == '/') {
      uri += letter;
    } else {
      uri += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return uri;
}

// A checkpoint copies commits from the log to the file. Where the file by itself has some that are
// not in the log any more, pages of two times stand side by side: each may be sound, and a row be
// in none of them.
bool IsOfOneTime(SQLite::Database& database) {
  constexpr const char* kCommits = "SELECT commits FROM version";
  const std::int64_t together = database.execAndGet(kCommits).getInt64();
  try {
    SQLite::Database file(UriOf(database.getFilename()) + "?immutable=1",
                          SQLite::OPEN_READONLY | SQLite::OPEN_URI);
    return file.execAndGet(kCommits).getInt64() <= together;
  } catch (const SQLite::Exception&) {
    return true;  // nothing is readable but with the log: no checkpoint has been
  }
}

}  // namespace

bool IsDamage(const SQLite::Exception& error) {
  switch (error.getErrorCode()) {
    case SQLITE_ERROR:  // no such table, no such column
    case SQLITE_CORRUPT:
    case SQLITE_FORMAT:
    case SQLITE_MISMATCH:
    case SQLITE_NOTADB:
    case -1:  // SQLiteCpp's own: no row where one must be
      return true;
    case SQLITE_IOERR:
      return error.getExtendedErrorCode() == SQLITE_IOERR_READ ||
             error.getExtendedErrorCode() == SQLITE_IOERR_SHORT_READ ||
             error.getExtendedErrorCode() == SQLITE_IOERR_DATA ||
             error.getExtendedErrorCode() == SQLITE_IOERR_CORRUPTFS;
    default:
      return false;
  }
}

bool IsSound(SQLite::Database& database) {
  try {
    if (!IsOk(database, "PRAGMA quick_check(1)")) return false;
    if (!HasItsTables(database) || !HasItsIndexes(database)) return false;
    if (!IsOfOneTime(database)) return false;
    if (!HasItsSums<RootRow>(database) || !HasItsSums<RecipeRow>(database) ||
        !HasItsSums<RecipeIdRow>(database) || !HasItsSums<RecordRow>(database)) {
      return false;
    }
    bool sums = true;
    const Selects selects(database);
    const bool runs = EachRow(database, selects.runs, "runs.id", [&](Query& query) {
      sums = sums && HasItsSum(ReadRunRow(query), query);
    });
    const bool items = EachRow(database, selects.items, "root, key",
                               [&](Query& query) { sums = sums && ItemHasItsSum(query); });
    return runs && items && sums;
  } catch (const SQLite::Exception& error) {
    if (IsDamage(error)) return false;
    throw;
  }
}

void RestartWalks(SQLite::Database& database) {
  SQLite::Statement select(database, std::string(kSelectRuns) + "WHERE phase != 3");
  std::vector<RunRow> rows;
  for (Query query(select); query.Step();) rows.push_back(ReadRunRow(query));
  std::int64_t generation =
      database.execAndGet("SELECT COALESCE(MAX(generation), 0) FROM runs").getInt64();
  SQLite::Statement write(database, kWriteRun);
  for (RunRow& row : rows) {
    row.generation = ++generation;
    row.cursor.clear();
    row.scan_ended = row.exhaustive = false;
    row.resumed = row.resumed_failed = row.repeated = 0;
    row.redone.clear();
    Query query(write);
    BindRun(query, row);
    query.Run();
  }
}

void KeepLogOnClose(SQLite::Database& database, bool keep) {
  sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep ? 1 : 0, nullptr);
}

Result<Salvage> SalvageTo(const std::string& damaged, const std::string& path) {
  return Guarded("saving what can be read of " + damaged, [&]() -> Result<Salvage> {
    Salvage salvage;
    SQLite::Database fresh(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    RETURN_IF_ERROR(Migrate(fresh, path));
    SQLite::Database old(damaged, SQLite::OPEN_READWRITE);
    KeepLogOnClose(old, true);
    SQLite::Transaction transaction(fresh);
    CopySmallRows<RootRow>(old, fresh);
    CopySmallRows<RecipeRow>(old, fresh);
    CopySmallRows<RecipeIdRow>(old, fresh);
    CopySmallRows<RecordRow>(old, fresh);
    std::int64_t last_generation = 0;
    SQLite::Statement write_run(fresh, kWriteRun);
    const Selects selects(old);
    EachRow(old, selects.runs, "runs.id", [&](Query& query) {
      const RunRow row = ReadRunRow(query);
      if (!HasItsSum(row, query)) return;
      last_generation = std::max(last_generation, row.generation);
      Query write(write_run);
      BindRun(write, row);
      write.Run();
    });
    SQLite::Statement known_root(fresh, "SELECT 1 FROM roots WHERE id = ?");
    SQLite::Statement write_item(fresh, kWriteItem);
    EachRow(old, selects.items, "root, key", [&](Query& query) {
      ItemRow row = ReadItemRow(query);
      // Without its root a row is of no use.
      if (!HasItsSum(row, query) || !Query(known_root).Number(row.root).Step()) return;
      // Its run is gone, and the next one would be given the same generation: it would take the
      // item for one that it had named itself.
      if (row.generation > last_generation) row.generation = 0;
      Query write(write_item);
      BindItem(write, row);
      write.Run();
    });
    RestartWalks(fresh);
    salvage.runs = fresh.execAndGet("SELECT COUNT(*) FROM runs").getInt64();
    salvage.items = fresh.execAndGet("SELECT COUNT(*) FROM items").getInt64();
    transaction.commit();
    return salvage;
  });
}

}  // namespace millrace
