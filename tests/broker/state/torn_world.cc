#include "tests/broker/state/torn_world.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <utility>

namespace millrace::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kStages = 3;
constexpr std::size_t kChunk = 20;
const Recipes kRecipes{std::nullopt, "work", "save"};

template <typename T>
T Need(Result<T> result) {
  REQUIRE_MESSAGE(result.has_value(), result.error().message);
  return std::move(*result);
}
void Need(Result<void> result) { REQUIRE_MESSAGE(result.has_value(), result.error().message); }

std::vector<std::string> Keys(const std::string& folder, int count) {
  std::vector<std::string> keys;
  for (int number = 0; number < count; ++number) {
    keys.push_back(fmt::format("{}/photo-{:04}.jpg", folder, number));
  }
  return keys;
}

std::string MetaOf(const std::string& key) { return "bytes 1234 of " + key; }

// One chunk of a walk whose cursor is the number of keys behind it; "" at the beginning.
RecordScan Chunk(RunId run, const std::vector<std::string>& keys, const std::string& cursor) {
  const std::size_t from = cursor.empty() ? 0 : std::stoul(cursor);
  const std::size_t to = std::min(from + kChunk, keys.size());
  RecordScan scan;
  scan.run = run;
  for (std::size_t at = from; at < to; ++at) {
    scan.found.push_back({keys[at], wire::FoundItem::Next{MetaOf(keys[at])}});
  }
  if (to < keys.size()) {
    scan.next_cursor = std::to_string(to);
  } else {
    scan.exhaustive = true;
  }
  return scan;
}

ItemEnded Outcome(RunId run, const std::string& key, std::size_t number) {
  ItemEnded ended;
  ended.run = run;
  ended.key = key;
  ended.stage = 2;
  if (number % 7 == 3) {
    ended.outcome = ItemOutcome::kFailed;
    ended.stage = 1;
    ended.code = "corrupt";
    ended.text = "its end is missing";
  } else if (number % 11 == 5) {
    ended.outcome = ItemOutcome::kSkipped;
    ended.code = "too dark";
  } else {
    ended.outputs = {{key, 4321, 1'700'000'000'000'000'000}};
    ended.records = {{"areas", "{\"of\": \"" + key + "\"}"}};
  }
  return ended;
}

// What a walk that begins anew changes of a run, and the generation that it changes of an item, is
// left out: the rest of a row is to be as it was written.
std::set<std::string> RowsOf(SQLite::Database& database) {
  constexpr const char* kRows =
      "SELECT 'run', runs.id, input, output, phase, quote(options), final_status, submitted_s, "
      "ended_s, fresh, prune, stop_at_failures FROM runs JOIN roots ON roots.id = root "
      "UNION ALL SELECT 'recipe', run, stage, quote(recipe), 0,0,0,0,0,0,0,0 FROM recipes "
      "UNION ALL SELECT 'digest', id, quote(digest), 0,0,0,0,0,0,0,0,0 FROM recipe_ids "
      "UNION ALL SELECT 'line', input, name, quote(key), quote(line), 0,0,0,0,0,0,0 FROM records "
      "JOIN roots ON roots.id = root "
      "UNION ALL SELECT 'item', input, quote(key), state, stage, recipe, quote(meta), code, text, "
      "quote(outputs), attempts || unclaimed_deaths || link_losses || alone, warnings FROM items "
      "JOIN roots ON roots.id = root";
  std::set<std::string> rows;
  SQLite::Statement select(database, kRows);
  while (select.executeStep()) {
    std::string row;
    for (int column = 0; column < select.getColumnCount(); ++column) {
      row += select.getColumn(column).getString() + '|';
    }
    rows.insert(std::move(row));
  }
  return rows;
}

}  // namespace

ScratchFolder::ScratchFolder() {
  std::string name = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  name += "/millrace-torn-XXXXXX";
  REQUIRE(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

StateFiles StateFiles::Read(const std::string& folder) {
  return {ReadFile(folder + "/state.db"), ReadFile(folder + "/state.db-wal")};
}

void StateFiles::Write(const std::string& folder) const {
  fs::remove_all(folder);
  fs::create_directories(folder);
  WriteFile(folder + "/state.db", database);
  WriteFile(folder + "/state.db-wal", log);
}

TornWorld::TornWorld(Crash crash)
    : done_{{.input = "/in/done", .output = "/out/done"}, Keys("done", 160)},
      walking_{{.input = "/in/walking", .output = "/out/walking"}, Keys("walking", 240)} {
  const std::string folder = scratch_.path() + "/state";
  OpenedState opened = Need(OpenState(folder));
  {
    State state(opened.database, kStages);
    Fill(state, *opened.database);
  }
  if (crash == Crash::kAfterCheckpoint) opened.database->exec("PRAGMA wal_checkpoint(PASSIVE)");
  last_ = RowsOf(*opened.database);
  files_ = StateFiles::Read(folder);  // the database is still open: a crash
}

void TornWorld::Remember(SQLite::Database& database) { written_.merge(RowsOf(database)); }

void TornWorld::Fill(State& state, SQLite::Database& database) {
  const auto transaction = [&](auto work) {
    Need(state.Begin());
    work();
    Need(state.Commit());
    Remember(database);
  };
  const auto begin = [&](const Order& order) {
    RunId run;
    transaction([&] {
      run = Need(state.Open(order.order, 1000)).run;
      Need(state.Start(run, kRecipes, LoadMode::kSubmitted));
    });
    return run;
  };
  // The walk up to `named` items, of which all but every `left_open`-th end.
  const auto work = [&](RunId run, const Order& order, std::size_t named, std::size_t left_open) {
    std::string cursor;
    for (std::size_t from = 0; from < named; from += kChunk) {
      transaction([&] {
        const RecordScan chunk = Chunk(run, order.keys, cursor);
        Need(state.RecordScan(chunk));
        cursor = chunk.next_cursor.value_or("");
      });
      transaction([&] {
        for (std::size_t at = from; at < std::min(from + kChunk, named); ++at) {
          if (at % left_open == 0) {
            Need(state.Mark({run, order.keys[at], {.stage = 1, .attempts = 1, .alone = true}}));
          } else {
            Need(state.EndItem(Outcome(run, order.keys[at], at)));
          }
        }
      });
    }
  };
  const RunId done = begin(done_);
  work(done, done_, done_.keys.size(), done_.keys.size() + 1);
  transaction([&] { Need(state.EndItem(Outcome(done, done_.keys[0], 0))); });
  transaction([&] { Need(state.Close(done, StoredPhase::kDone, {}, 2000)); });
  const RunId walking = begin(walking_);
  work(walking, walking_, 60, 1);
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  // From here on all is in the log alone. First outcomes, which make rows longer and so divide
  // pages, and say nothing of the walk.
  for (std::size_t from = 0; from < 60; from += kChunk / 2) {
    transaction([&] {
      for (std::size_t at = from; at < from + kChunk / 2; ++at) {
        Need(state.EndItem(Outcome(walking, walking_.keys[at], at)));
      }
    });
  }
  std::string cursor = "60";
  for (std::size_t from = 60; from < 180; from += kChunk) {
    transaction([&] {
      const RecordScan chunk = Chunk(walking, walking_.keys, cursor);
      Need(state.RecordScan(chunk));
      cursor = chunk.next_cursor.value_or("");
    });
    transaction([&] {
      for (std::size_t at = from; at < from + kChunk; at += 2) {
        Need(state.EndItem(Outcome(walking, walking_.keys[at], at)));
      }
    });
  }
}

StateFiles TornWorld::Changed(const std::string& sql) {
  const std::string folder = scratch_.path() + "/changed";
  files_.Write(folder);
  {
    SQLite::Database database(folder + "/state.db", SQLite::OPEN_READWRITE);
    REQUIRE(database.exec(sql) >= 0);
  }
  return StateFiles::Read(folder);
}

TornWorld::Opening TornWorld::Open(const StateFiles& torn) {
  const std::string folder = scratch_.path() + "/torn";
  torn.Write(folder);
  Opening opening;
  Result<OpenedState> opened = OpenState(folder);
  if (!opened) {
    opening.refused = true;
    opening.refusal = opened.error().message;
    CHECK_FALSE(opening.refusal.empty());
    CHECK(StateFiles::Read(folder).database == torn.database);
    return opening;
  }
  opening.notes = opened->notes;
  CheckRows(*opened->database, opening);
  CheckKeptAside(torn, opening);
  State state(opened->database, kStages);
  // The walk under way first: it gets the first new generation.
  for (const Order* order : {&walking_, &done_}) CheckRerun(state, *opened->database, *order);
  return opening;
}

void TornWorld::CheckRows(SQLite::Database& database, Opening& opening) {
  const std::set<std::string> rows = RowsOf(database);
  for (const std::string& row : rows) {
    if (!written_.contains(row)) FAIL_CHECK("never written: ", row);
  }
  opening.lost_rows = static_cast<std::size_t>(std::count_if(
      last_.begin(), last_.end(), [&](const std::string& row) { return !rows.contains(row); }));
}

void TornWorld::CheckKeptAside(const StateFiles& torn, const Opening& opening) {
  std::vector<std::string> aside;
  for (const auto& entry : fs::directory_iterator(scratch_.path() + "/torn")) {
    if (entry.path().filename().string().starts_with("damaged-")) aside.push_back(entry.path());
  }
  const bool named = std::any_of(
      opening.notes.begin(), opening.notes.end(),
      [&](const std::string& note) { return note.find("/damaged-") != std::string::npos; });
  CHECK(aside.size() == (named ? 1 : 0));
  if (aside.size() != 1) return;
  const StateFiles kept = StateFiles::Read(aside.front());
  CHECK(kept.database == torn.database);
  CHECK(kept.log == torn.log);
}

void TornWorld::CheckRerun(State& state, SQLite::Database& database, const Order& order) {
  std::set<RunId> known;
  for (const RunRow& run : Need(state.Latest(100))) known.insert(run.id);
  const RunOpened opened = Need(state.Open(order.order, 3000));
  CHECK(opened.continued == known.contains(opened.run));
  const RunStart start = Need(state.Start(opened.run, kRecipes, LoadMode::kSubmitted));
  // A new walk takes over only what it has named itself, by the files that it found.
  if (!opened.continued) CHECK(start.counts.scanned == 0);
  std::set<std::string> open;
  for (const OpenItem& item : start.open) open.insert(item.key);
  std::string cursor = start.cursor;
  for (bool ended = start.scan_ended; !ended;) {
    const RecordScan chunk = Chunk(opened.run, order.keys, cursor);
    const ScanRecorded recorded = Need(state.RecordScan(chunk));
    for (const OpenItem& item : recorded.open) open.insert(item.key);
    ended = !chunk.next_cursor;
    cursor = chunk.next_cursor.value_or("");
  }
  std::size_t rows = 0;
  SQLite::Statement select(database,
                           "SELECT key, state FROM items JOIN roots ON roots.id = root WHERE "
                           "input = CAST(? AS BLOB)");
  select.bind(1, order.order.input);
  while (select.executeStep()) {
    ++rows;
    const std::string key = select.getColumn(0).getString();
    const bool is_open = select.getColumn(1).getInt() == 0;
    if (is_open && !open.contains(key)) FAIL_CHECK("never to be done: ", key);
    if (!is_open && open.contains(key)) FAIL_CHECK("to be done again, though done: ", key);
  }
  CHECK(rows == order.keys.size());
  const RunSummary summary = Need(state.Summarize(opened.run));
  CHECK(summary.counts.scanned == static_cast<std::int64_t>(order.keys.size()));
  CHECK(summary.open == static_cast<std::int64_t>(open.size()));
}

}  // namespace millrace::testing
