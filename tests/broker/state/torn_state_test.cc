// A state that a crash, a disk or a hand has torn: what can be read is kept, nothing is believed
// that was not written, and no item is lost.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <random>

#include "broker/state/wal.h"
#include "tests/broker/state/torn_world.h"

using namespace millrace;
using namespace millrace::testing;

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kLogHeader = 32;
constexpr std::size_t kFrame = kPage + 24;
constexpr int kFlips = 200;

// Confirmed work that is gone is said to be gone, wherever the files can tell.
void CheckSaid(const TornWorld::Opening& opening) {
  if (opening.refused || opening.lost_rows == 0) return;
  CHECK_MESSAGE(!opening.notes.empty(), opening.lost_rows, " rows are lost, and nothing is said");
}

std::string Cut(const std::string& bytes, std::size_t size) { return bytes.substr(0, size); }

}  // namespace

TEST_CASE("a state that a crash has left opens with all that was committed, and without a word") {
  for (const auto crash :
       {TornWorld::Crash::kBeforeCheckpoint, TornWorld::Crash::kAfterCheckpoint}) {
    TornWorld world(crash);
    const TornWorld::Opening opening = world.Open(world.files());
    CHECK_FALSE(opening.refused);
    CHECK(opening.notes.empty());
    CHECK(opening.lost_rows == 0);
  }
}

TEST_CASE("a database cut short anywhere gives up what it holds, and the rest is done again") {
  for (const auto crash :
       {TornWorld::Crash::kBeforeCheckpoint, TornWorld::Crash::kAfterCheckpoint}) {
    TornWorld world(crash);
    for (std::size_t size = 0; size < world.files().database.size(); size += kPage / 2) {
      CAPTURE(size);
      CheckSaid(world.Open({Cut(world.files().database, size), world.files().log}));
      // Nothing at all tells nothing.
      if (size > 0) CheckSaid(world.Open({Cut(world.files().database, size), ""}));
    }
  }
}

TEST_CASE("a log cut short anywhere is a state as it was once, or is said to be none") {
  for (const auto crash :
       {TornWorld::Crash::kBeforeCheckpoint, TornWorld::Crash::kAfterCheckpoint}) {
    TornWorld world(crash);
    REQUIRE(world.files().log.size() > kLogHeader + 20 * kFrame);
    std::vector<std::size_t> sizes = {0, 1, kLogHeader - 1};
    for (std::size_t at = kLogHeader; at < world.files().log.size(); at += kFrame) {
      sizes.push_back(at);
      if (crash == TornWorld::Crash::kBeforeCheckpoint) sizes.push_back(at + kFrame / 2);
    }
    for (const std::size_t size : sizes) {
      CAPTURE(size);
      CHECK_FALSE(world.Open({world.files().database, Cut(world.files().log, size)}).refused);
    }
  }
}

TEST_CASE("a byte of the database that has changed is found out where it matters") {
  TornWorld world(TornWorld::Crash::kBeforeCheckpoint);
  std::mt19937 random(1);
  for (int flip = 0; flip < kFlips; ++flip) {
    StateFiles files = world.files();
    if (flip % 2 == 1) files.log.clear();
    const std::size_t at = random() % files.database.size();
    files.database[at] = static_cast<char>(files.database[at] ^ (1 + random() % 255));
    CAPTURE(flip);
    CAPTURE(at);
    const TornWorld::Opening opening = world.Open(files);
    if (flip % 2 == 0) CheckSaid(opening);
  }
}

TEST_CASE("a byte of the log that has changed is always found out") {
  for (const auto crash :
       {TornWorld::Crash::kBeforeCheckpoint, TornWorld::Crash::kAfterCheckpoint}) {
    TornWorld world(crash);
    std::mt19937 random(2);
    const std::size_t last_frame = world.files().log.size() - kFrame;
    const int flips = crash == TornWorld::Crash::kBeforeCheckpoint ? kFlips : kFlips / 4;
    for (int flip = 0; flip < flips; ++flip) {
      StateFiles files = world.files();
      std::size_t at = random() % files.log.size();
      // The headers, where single bytes decide, and those of the last commit most of all.
      if (flip < 32)
        at = static_cast<std::size_t>(flip);
      else if (flip < 56)
        at = last_frame + static_cast<std::size_t>(flip - 32);
      files.log[at] = static_cast<char>(files.log[at] ^ (1 + random() % 255));
      CAPTURE(flip);
      CAPTURE(at);
      const TornWorld::Opening opening = world.Open(files);
      CHECK_FALSE(opening.refused);
      REQUIRE(opening.notes.size() == 1);
      CHECK(opening.notes[0].find("/damaged-") != std::string::npos);
    }
  }
}

TEST_CASE("a changed value of any table is found out") {
  TornWorld world(TornWorld::Crash::kBeforeCheckpoint);
  for (const char* sql : {
           "UPDATE roots SET input = CAST('/in/other' AS BLOB) WHERE id = 1",
           "UPDATE roots SET id = 7 WHERE id = 2",
           "UPDATE runs SET options = CAST('x' AS BLOB) WHERE id = 1",
           "UPDATE runs SET phase = 3 WHERE id = 2",
           "UPDATE runs SET cursor = CAST('160' AS BLOB) WHERE id = 2",
           "DELETE FROM roots WHERE id = 1",
           "UPDATE recipes SET recipe = CAST('x' AS BLOB) WHERE run = 2 AND stage = 1",
           "UPDATE recipe_ids SET id = 9 WHERE id = 1",
           "UPDATE items SET state = 1 WHERE state = 0",
           "UPDATE items SET meta = CAST('x' AS BLOB) WHERE root = 1",
           "UPDATE records SET line = CAST('x' AS BLOB) WHERE root = 1",
           "UPDATE version SET version = 1",
           "PRAGMA user_version = 0",
           "PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = replace(sql, 'code TEXT', "
           "'code BLOB') WHERE name = 'items'",
       }) {
    CAPTURE(std::string(sql));
    const TornWorld::Opening opening = world.Open(world.Changed(sql));
    REQUIRE(opening.notes.size() == 1);
    CHECK(opening.notes[0].find("/damaged-") != std::string::npos);
  }
}

TEST_CASE("a run whose row is lost leaves its items to the next walk, not to its generation") {
  TornWorld world(TornWorld::Crash::kBeforeCheckpoint);
  const TornWorld::Opening opening =
      world.Open(world.Changed("UPDATE runs SET sum = sum + 1 WHERE id = 2"));
  CHECK(opening.notes.size() == 1);
}

// A checkpoint has copied two commits to the database, and of the log only the first is left: the
// page of the items is as the first left it, and that of the run as the second.
TEST_CASE("a log that is cut short behind a checkpoint is found out, though every page is sound") {
  const ScratchFolder folder;
  const std::string place = folder.path() + "/state";
  StateFiles files;
  RunId run;
  {
    const Result<OpenedState> opened = OpenState(place);
    REQUIRE(opened.has_value());
    State state(opened->database, 2);
    const auto commit = [&](auto work) {
      REQUIRE(state.Begin().has_value());
      work();
      REQUIRE(state.Commit().has_value());
    };
    const auto scan = [&](const std::string& key) {
      return state.RecordScan({run, {{key, wire::FoundItem::Next{"m"}}}, "behind " + key, false})
          .has_value();
    };
    commit([&] {
      run = state.Open({.input = "/in", .output = "/out"}, 1000)->run;
      REQUIRE(state.Start(run, {std::nullopt, "work"}, LoadMode::kSubmitted).has_value());
      REQUIRE(scan("a"));
    });
    opened->database->exec("PRAGMA wal_checkpoint(TRUNCATE)");
    commit([&] { REQUIRE(state.Mark({run, "a", {.stage = 1, .attempts = 1}}).has_value()); });
    const std::size_t first_commit = ReadFile(place + "/state.db-wal").size();
    commit([&] { REQUIRE(scan("b")); });
    opened->database->exec("PRAGMA wal_checkpoint(PASSIVE)");
    files = StateFiles::Read(place);
    files.log.resize(first_commit);
  }
  files.Write(place);
  const Result<OpenedState> opened = OpenState(place);
  REQUIRE(opened.has_value());
  REQUIRE(opened->notes.size() == 1);
  CHECK(opened->notes[0].find("/damaged-") != std::string::npos);
  State state(opened->database, 2);
  const Result<std::optional<RunRow>> found = state.Find(run);
  REQUIRE((found.has_value() && found->has_value()));
  CHECK((*found)->cursor.empty());  // "b" is behind the cursor that there was
}
