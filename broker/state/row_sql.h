// Rows of runs and items, and the SQL that reads and writes them. Private to broker/state.
#pragma once

#include "broker/state/item_row.h"
#include "broker/state/query.h"
#include "broker/state/run_row.h"

namespace millrace {

// To be followed by conditions. The columns are what ReadRunRow and ReadItemRow take; those that
// an older version of the tables does not have stand last.
inline constexpr const char* kSelectRuns =
    "SELECT runs.id, root, generation, phase, options, stop_at_failures, stop_at_share, fresh, "
    "verify_outputs, prune, cursor, scan_ended, exhaustive, resumed, resumed_failed, repeated, "
    "submitted_s, ended_s, runs.sum, input, output, final_status, redone FROM runs JOIN roots ON "
    "roots.id = runs.root ";
inline constexpr const char* kSelectItems =
    "SELECT root, key, generation, state, stage, recipe, meta, code, text, attempts, "
    "unclaimed_deaths, link_losses, alone, outputs, warnings, sum, said FROM items ";
// Of tables of version 1.
inline constexpr const char* kSelectRunsOfVersion1 =
    "SELECT runs.id, root, generation, phase, options, stop_at_failures, stop_at_share, fresh, "
    "verify_outputs, prune, cursor, scan_ended, exhaustive, resumed, resumed_failed, repeated, "
    "submitted_s, ended_s, runs.sum, input, output, final_status, NULL FROM runs JOIN roots ON "
    "roots.id = runs.root ";
inline constexpr const char* kSelectItemsOfVersion1 =
    "SELECT root, key, generation, state, stage, recipe, meta, code, text, attempts, "
    "unclaimed_deaths, link_losses, alone, outputs, warnings, sum, NULL FROM items ";
// The parameters are what BindRun and BindItem give.
inline constexpr const char* kWriteRun =
    "INSERT OR REPLACE INTO runs (id, root, generation, phase, options, stop_at_failures, "
    "stop_at_share, fresh, verify_outputs, prune, cursor, scan_ended, exhaustive, resumed, "
    "resumed_failed, repeated, submitted_s, ended_s, final_status, redone, "
    "sum) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
inline constexpr const char* kWriteItem =
    "INSERT OR REPLACE INTO items (root, key, generation, state, stage, recipe, meta, code, text, "
    "attempts, unclaimed_deaths, link_losses, alone, outputs, warnings, said, sum) VALUES "
    "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

RunRow ReadRunRow(Query& query);
ItemRow ReadItemRow(Query& query);
// Whether the row that was read is the one that was written.
bool HasItsSum(const RunRow& row, Query& query);
bool HasItsSum(const ItemRow& row, Query& query);
// Likewise of an item's row as it stands in the query, which takes a third of the time.
bool ItemHasItsSum(Query& query);
void BindRun(Query& query, const RunRow& row);
void BindItem(Query& query, const ItemRow& row);

}  // namespace millrace
