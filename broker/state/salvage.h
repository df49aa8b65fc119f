// What a damaged database can still tell.
#pragma once

#include <SQLiteCpp/Database.h>

#include <cstdint>
#include <string>

#include "common/base/result.h"

namespace millrace {

// Whether SQLite finds the file's structure sound, and every row has its checksum. Reads all of it.
bool IsSound(SQLite::Database& database);

struct Salvage {
  std::int64_t runs = 0;   // taken over
  std::int64_t items = 0;  // likewise
};

// Copies the rows of `damaged` that can be read and have their checksum to a new database at
// `path`, and has every unfinished run's walk begin anew. Where the file is no database at all, the
// new one is empty; an error is one of writing.
Result<Salvage> SalvageTo(const std::string& damaged, const std::string& path);

// Every unfinished run's walk begins anew: an item that it had named may be gone.
void RestartWalks(SQLite::Database& database);

}  // namespace millrace
