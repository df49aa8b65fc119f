// The tables of the state, and how an older file becomes one of today.
#pragma once

#include <SQLiteCpp/Database.h>

#include <span>
#include <string>

#include "common/base/result.h"

namespace millrace {

// Step N makes version N+1 of version N; a new file takes all of them. A step that has been
// released is never edited: add another. IsSound and SalvageTo (salvage.h) read the tables of
// every version: a new step has to teach them its own.
std::span<const char* const> SchemaSteps();

// kUsage where a newer millrace made the database.
Result<void> RefuseNewer(SQLite::Database& database, const std::string& path,
                         std::span<const char* const> steps = SchemaSteps());

// Brings the database to the last step's version. Before an older one is changed, a copy of it is
// made beside it, `path` + ".version-N". kUsage where a newer millrace made it.
Result<void> Migrate(SQLite::Database& database, const std::string& path,
                     std::span<const char* const> steps = SchemaSteps());

}  // namespace millrace
