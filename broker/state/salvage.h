// What a damaged database can still tell.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>

#include <cstdint>
#include <string>

#include "common/base/result.h"

namespace millrace {

// Whether what SQLite says is of the file's content, and not of the disk, a lock or memory.
bool IsDamage(const SQLite::Exception& error);

// Whether the file is whole: SQLite finds its structure sound and its tables as they were made,
// every row has its checksum, and no commit is known that the log has lost. Reads all of it, and
// changes nothing. Throws where the content is not at fault.
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

// Closing this connection leaves the log as it is; the default would be to copy it to the database.
void KeepLogOnClose(SQLite::Database& database, bool keep);

}  // namespace millrace
