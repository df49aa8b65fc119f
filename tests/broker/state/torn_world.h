// A state folder as a crash leaves it, ways to tear it, and what must hold of what opens.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "broker/state/open_state.h"
#include "broker/state/state.h"

namespace millrace::testing {

// A folder of its own, in memory where there is such a place: a test opens hundreds of states, and
// each of them syncs.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& bytes);

// The bytes of state.db and state.db-wal.
struct StateFiles {
  std::string database;
  std::string log;
  static StateFiles Read(const std::string& folder);
  // In place of what lies there.
  void Write(const std::string& folder) const;
};

// Two runs: one that is done, and one whose walk is under way.
class TornWorld {
 public:
  // Where the crash comes: with all since the walk began in the log alone; or after a checkpoint
  // that has copied the log to the database and not yet begun it anew.
  enum class Crash { kBeforeCheckpoint, kAfterCheckpoint };
  explicit TornWorld(Crash crash);

  [[nodiscard]] const StateFiles& files() const { return files_; }
  // The files after somebody has meddled with them, without a log.
  StateFiles Changed(const std::string& sql);

  struct Opening {
    bool refused = false;
    std::string refusal;
    std::vector<std::string> notes;
    std::size_t lost_rows = 0;  // of those that the last commit left
  };
  // Opens what a disk made of the files and checks, with doctest, what must hold of any: every row
  // was written so at one time or another, what could not be read is kept as it was, and the same
  // orders again leave no file out.
  Opening Open(const StateFiles& torn);

 private:
  struct Order {
    RunOrder order;
    std::vector<std::string> keys;
  };

  void Remember(SQLite::Database& database);
  void Fill(State& state, SQLite::Database& database);
  void CheckRows(SQLite::Database& database, Opening& opening);
  void CheckRerun(State& state, SQLite::Database& database, const Order& order);
  void CheckKeptAside(const StateFiles& torn, const Opening& opening);

  ScratchFolder scratch_;
  Order done_;
  Order walking_;
  StateFiles files_;
  std::set<std::string> written_;  // every row there has been, after any commit
  std::set<std::string> last_;     // those that the last commit left
};

}  // namespace millrace::testing
