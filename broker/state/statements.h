// The prepared statements of State. Private to it.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "broker/state/row_sql.h"
#include "broker/state/small_rows.h"
#include "broker/state/state.h"

namespace millrace {

class State::Statements {
 public:
  explicit Statements(SQLite::Database& database)
      : db(database),
        read_roots(db, std::string(RootRow::kSelect) + " ORDER BY id DESC"),
        find_root(db, "SELECT id FROM roots WHERE input = ? AND output = ?"),
        next_root(db, "SELECT COALESCE(MAX(id), 0) + 1 FROM roots"),
        write_root(db, RootRow::kWrite),
        read_run(db, std::string(kSelectRuns) + "WHERE runs.id = ?"),
        latest_run(db, std::string(kSelectRuns) + "WHERE root = ? ORDER BY runs.id DESC LIMIT 1"),
        run_before(db, std::string(kSelectRuns) +
                           "WHERE root = ? AND runs.id < ? ORDER BY runs.id DESC LIMIT 1"),
        runs_by_recipe(db, std::string(kSelectRuns) +
                               "JOIN recipes ON recipes.run = runs.id WHERE recipes.stage = ? AND "
                               "recipes.recipe = ? ORDER BY runs.id DESC"),
        write_run(db, kWriteRun),
        read_recipes(db, "SELECT stage, recipe FROM recipes WHERE run = ?"),
        write_recipe(db, RecipeRow::kWrite),
        find_recipe_id(db, "SELECT id FROM recipe_ids WHERE digest = ?"),
        read_digest(db, "SELECT digest FROM recipe_ids WHERE id = ?"),
        next_recipe_id(db, "SELECT COALESCE(MAX(id), 0) + 1 FROM recipe_ids"),
        write_recipe_id(db, RecipeIdRow::kWrite),
        read_item(db, std::string(kSelectItems) + "WHERE root = ? AND key = ?"),
        read_items(db, std::string(kSelectItems) + "WHERE root = ? ORDER BY key"),
        write_item(db, kWriteItem),
        remove_item(db, "DELETE FROM items WHERE root = ? AND key = ?"),
        read_failures(db, std::string(kSelectItems) +
                              "WHERE root = ? AND generation = ? AND key > ? AND (state = 2 OR "
                              "said IS NOT NULL) ORDER BY key"),
        read_older(db, std::string(kSelectItems) +
                           "WHERE root = ? AND generation < ? AND key > ? ORDER BY key"),
        any_of_generation(db, "SELECT 1 FROM items WHERE root = ? AND generation = ? LIMIT 1"),
        any_unreadable(db,
                       "SELECT 1 FROM items WHERE root = ? AND generation = ? AND CASE WHEN said "
                       "IS NULL THEN state = 2 AND stage = 0 AND code = 'unreadable' ELSE said "
                       "LIKE 'failed unreadable%' END LIMIT 1"),
        passed_over(db,
                    "SELECT 1 FROM items WHERE root = ? AND key = ? AND generation = ? AND (said "
                    "IS NOT NULL OR (stage = 0 AND state IN (2, 3)))"),
        any_below(db,
                  "SELECT 1 FROM items WHERE root = ? AND key > ? AND key < ? AND generation = ? "
                  "LIMIT 1"),
        any_item(db, "SELECT 1 FROM items WHERE root = ? LIMIT 1"),
        any_result_before(
            db, "SELECT 1 FROM items WHERE root = ? AND generation < ? AND state = 1 LIMIT 1"),
        record_names(db, "SELECT DISTINCT name FROM records WHERE root = ?"),
        write_record(db, RecordRow::kWrite),
        read_record(db, "SELECT line FROM records WHERE root = ? AND name = ? AND key = ?"),
        drop_record(db, "DELETE FROM records WHERE root = ? AND name = ? AND key = ?"),
        read_records(db,
                     "SELECT line, key FROM records JOIN items USING (root, key) WHERE root = ? "
                     "AND name = ? AND generation = ? AND said IS NULL AND key > ? ORDER BY key"),
        count_commit(db, "UPDATE version SET commits = commits + 1") {}

  SQLite::Database& db;
  SQLite::Statement read_roots, find_root, next_root, write_root, read_run, latest_run, run_before,
      runs_by_recipe, write_run, read_recipes, write_recipe, find_recipe_id, read_digest,
      next_recipe_id, write_recipe_id, read_item, read_items, write_item, remove_item,
      read_failures, read_older, any_of_generation, any_unreadable, passed_over, any_below,
      any_item, any_result_before, record_names, write_record, read_record, drop_record,
      read_records, count_commit;
};

}  // namespace millrace
