// The prepared statements of State. Private to it.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "broker/state/row_sql.h"
#include "broker/state/state.h"

namespace millrace {

class State::Statements {
 public:
  explicit Statements(SQLite::Database& database)
      : db(database),
        find_root(db, "SELECT id FROM roots WHERE input = ? AND output = ?"),
        add_root(db, "INSERT INTO roots (input, output) VALUES (?, ?)"),
        read_run(db, std::string(kSelectRuns) + "WHERE runs.id = ?"),
        latest_run(db, std::string(kSelectRuns) + "WHERE root = ? ORDER BY runs.id DESC LIMIT 1"),
        write_run(db, kWriteRun),
        read_recipes(db, "SELECT stage, recipe FROM recipes WHERE run = ?"),
        write_recipe(db, "INSERT OR REPLACE INTO recipes (run, stage, recipe) VALUES (?, ?, ?)"),
        find_recipe_id(db, "SELECT id FROM recipe_ids WHERE digest = ?"),
        add_recipe_id(db, "INSERT INTO recipe_ids (digest) VALUES (?)"),
        read_item(db, std::string(kSelectItems) + "WHERE root = ? AND key = ?"),
        read_items(db, std::string(kSelectItems) + "WHERE root = ? ORDER BY key"),
        write_item(db, kWriteItem),
        read_failures(db, std::string(kSelectItems) +
                              "WHERE root = ? AND generation = ? AND state = 2 ORDER BY key"),
        read_older(db,
                   std::string(kSelectItems) + "WHERE root = ? AND generation < ? ORDER BY key"),
        any_of_generation(db, "SELECT 1 FROM items WHERE root = ? AND generation = ? LIMIT 1"),
        any_unreadable(db,
                       "SELECT 1 FROM items WHERE root = ? AND generation = ? AND state = 2 AND "
                       "stage = 0 AND code = 'unreadable' LIMIT 1"),
        any_item(db, "SELECT 1 FROM items WHERE root = ? LIMIT 1"),
        record_names(db, "SELECT DISTINCT name FROM records WHERE root = ?"),
        write_record(db, "INSERT OR REPLACE INTO records (root, name, key, line) VALUES (?,?,?,?)"),
        drop_record(db, "DELETE FROM records WHERE root = ? AND name = ? AND key = ?"),
        read_records(db,
                     "SELECT line FROM records JOIN items USING (root, key) WHERE root = ? AND "
                     "name = ? AND generation = ? ORDER BY key") {}

  SQLite::Database& db;
  SQLite::Statement find_root, add_root, read_run, latest_run, write_run, read_recipes,
      write_recipe, find_recipe_id, add_recipe_id, read_item, read_items, write_item, read_failures,
      read_older, any_of_generation, any_unreadable, any_item, record_names, write_record,
      drop_record, read_records;
};

}  // namespace millrace
