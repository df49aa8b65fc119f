#include "broker/state/salvage.h"

#include <SQLiteCpp/Transaction.h>

#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "broker/state/row_sql.h"
#include "broker/state/schema.h"

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

// With the roots where they can be read: without its root a row is of no use.
std::map<std::int64_t, std::pair<std::string, std::string>> Roots(SQLite::Database& database) {
  std::map<std::int64_t, std::pair<std::string, std::string>> roots;
  EachRow(database, "SELECT id, input, output FROM roots", "id", [&](Query& row) {
    roots[row.NumberAt(0)] = {row.BytesAt(1), row.BytesAt(2)};
  });
  return roots;
}

}  // namespace

bool IsSound(SQLite::Database& database) {
  try {
    SQLite::Statement check(database, "PRAGMA quick_check(1)");
    if (!check.executeStep() || check.getColumn(0).getString() != "ok") return false;
    if (database.execAndGet("SELECT version FROM version").getInt() !=
        database.execAndGet("PRAGMA user_version").getInt()) {
      return false;
    }
    bool sums = true;
    const bool runs = EachRow(database, kSelectRuns, "runs.id", [&](Query& query) {
      sums = sums && HasItsSum(ReadRunRow(query), query);
    });
    const bool items = EachRow(database, kSelectItems, "root, key", [&](Query& query) {
      sums = sums && HasItsSum(ReadItemRow(query), query);
    });
    return runs && items && sums;
  } catch (const SQLite::Exception&) {
    return false;
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
    Query query(write);
    BindRun(query, row);
    query.Run();
  }
}

Result<Salvage> SalvageTo(const std::string& damaged, const std::string& path) {
  return Guarded("saving what can be read of " + damaged, [&]() -> Result<Salvage> {
    Salvage salvage;
    SQLite::Database fresh(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    RETURN_IF_ERROR(Migrate(fresh, path));
    SQLite::Database old(damaged, SQLite::OPEN_READWRITE);
    SQLite::Transaction transaction(fresh);
    const auto roots = Roots(old);
    SQLite::Statement write_root(fresh, "INSERT INTO roots (id, input, output) VALUES (?, ?, ?)");
    for (const auto& [id, paths] : roots) {
      Query(write_root).Number(id).Bytes(paths.first).Bytes(paths.second).Run();
    }
    SQLite::Statement write_run(fresh, kWriteRun);
    EachRow(old, kSelectRuns, "runs.id", [&](Query& query) {
      const RunRow row = ReadRunRow(query);
      if (!HasItsSum(row, query)) return;
      Query write(write_run);
      BindRun(write, row);
      write.Run();
    });
    SQLite::Statement write_item(fresh, kWriteItem);
    EachRow(old, kSelectItems, "root, key", [&](Query& query) {
      const ItemRow row = ReadItemRow(query);
      if (!HasItsSum(row, query) || !roots.contains(row.root)) return;
      Query write(write_item);
      BindItem(write, row);
      write.Run();
    });
    const auto copy = [&](const char* select, const char* order, const char* insert) {
      SQLite::Statement write(fresh, insert);
      EachRow(old, select, order, [&](Query& row) {
        Query(write).Number(row.NumberAt(0)).Number(row.NumberAt(1)).Bytes(row.BytesAt(2)).Run();
      });
    };
    copy("SELECT run, stage, recipe FROM recipes", "run, stage",
         "INSERT OR REPLACE INTO recipes (run, stage, recipe) VALUES (?, ?, ?)");
    SQLite::Statement write_id(fresh,
                               "INSERT OR IGNORE INTO recipe_ids (id, digest) VALUES (?, ?)");
    EachRow(old, "SELECT id, digest FROM recipe_ids", "id", [&](Query& row) {
      Query(write_id).Number(row.NumberAt(0)).Bytes(row.BytesAt(1)).Run();
    });
    SQLite::Statement write_record(
        fresh, "INSERT OR REPLACE INTO records (root, name, key, line) VALUES (?, ?, ?, ?)");
    EachRow(old, "SELECT root, name, key, line FROM records", "root, name, key", [&](Query& row) {
      Query write(write_record);
      write.Number(row.NumberAt(0)).Text(row.BytesAt(1)).Bytes(row.BytesAt(2));
      write.Bytes(row.BytesAt(3)).Run();
    });
    RestartWalks(fresh);
    salvage.runs = fresh.execAndGet("SELECT COUNT(*) FROM runs").getInt64();
    salvage.items = fresh.execAndGet("SELECT COUNT(*) FROM items").getInt64();
    transaction.commit();
    return salvage;
  });
}

}  // namespace millrace
