// Whose a state is, where it may lie, and which version of it.
#include "broker/state/open_state.h"

#include <doctest/doctest.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>

#include "broker/state/schema.h"
#include "broker/state/state.h"
#include "tests/broker/state/torn_world.h"

using namespace millrace;
using namespace millrace::testing;

namespace {

// Whether the process has a file of this name open: it is waiting for it, or has it.
bool HasOpen(pid_t process, const std::string& name) {
  std::error_code error;
  for (const auto& fd :
       std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/fd", error)) {
    if (std::filesystem::read_symlink(fd.path(), error).filename() == name) return true;
  }
  return false;
}

constexpr std::size_t kStages = 3;
const Recipes kRecipes{std::nullopt, "work", "save"};

void Record(State& state, int items, bool take_over) {
  REQUIRE(state.Begin().has_value());
  const RunId run = state.Open({.input = "/in", .output = "/out"}, 1000)->run;
  REQUIRE(state.Start(run, kRecipes, LoadMode::kSubmitted).has_value());
  RecordScan scan{run, {}, std::nullopt, true};
  for (int item = 0; item < items; ++item) {
    scan.found.push_back({"photo " + std::to_string(item), wire::FoundItem::Next{"m"}});
  }
  const Result<ScanRecorded> recorded = state.RecordScan(scan);
  REQUIRE(recorded.has_value());
  CHECK(recorded->counts.resumed == (take_over ? items : 0));
  for (const OpenItem& item : recorded->open) {
    ItemEnded ended;
    ended.run = run;
    ended.key = item.key;
    ended.stage = kStages - 1;
    ended.outputs = {{item.key, 4321, 1'700'000'000'000'000'000}};
    REQUIRE(state.EndItem(ended).has_value());
  }
  REQUIRE(state.Close(run, StoredPhase::kDone, {}, 2000).has_value());
  REQUIRE(state.Commit().has_value());
}

// As the first version of the tables has kept a finished run of so many items.
void MakeVersion1(const std::string& folder, int items) {
  const std::string today = folder + "/today.db";
  {
    auto database =
        std::make_shared<SQLite::Database>(today, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    REQUIRE(Migrate(*database, today).has_value());
    State state(database, kStages);
    Record(state, items, /*take_over=*/false);
  }
  const std::string path = folder + "/state.db";
  SQLite::Database old(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  REQUIRE(Migrate(old, path, SchemaSteps().first(1)).has_value());
  SQLite::Statement(old, "ATTACH '" + today + "' AS today").exec();
  for (const char* table : {"roots", "recipes", "recipe_ids", "records", "runs", "items"}) {
    std::string columns;
    SQLite::Statement info(old, std::string("PRAGMA main.table_info(") + table + ")");
    while (info.executeStep()) {
      columns += (columns.empty() ? "" : ", ") + info.getColumn(1).getString();
    }
    old.exec(std::string("INSERT INTO main.") + table + " (" + columns + ") SELECT " + columns +
             " FROM today." + table);
  }
}

}  // namespace

TEST_CASE("a state has one owner, whose host and process a second one is told") {
  const ScratchFolder folder;
  const Result<OpenedState> first = OpenState(folder.path());
  REQUIRE(first.has_value());
  const Result<OpenedState> second = OpenState(folder.path(), std::chrono::milliseconds(50));
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == ErrorCode::kUnavailable);
  std::array<char, 256> host{};
  REQUIRE(gethostname(host.data(), host.size() - 1) == 0);
  const std::string owner = "process " + std::to_string(getpid()) + " on " + host.data();
  CHECK(second.error().message.find(owner) != std::string::npos);
}

TEST_CASE("an owner that leaves is waited for") {
  const ScratchFolder folder;
  std::array<int, 2> locked{};
  std::array<int, 2> leave{};
  REQUIRE(pipe(locked.data()) == 0);
  REQUIRE(pipe(leave.data()) == 0);
  const pid_t owner = fork();
  if (owner == 0) {
    const Result<FileLock> lock = FileLock::Acquire(folder.path() + "/state.lock");
    char byte = lock ? 'y' : 'n';
    (void)!write(locked[1], &byte, 1);
    (void)!read(leave[0], &byte, 1);
    while (!HasOpen(getppid(), "state.lock")) sched_yield();
    _exit(0);
  }
  char byte = 0;
  REQUIRE(read(locked[0], &byte, 1) == 1);
  REQUIRE(byte == 'y');
  REQUIRE(write(leave[1], &byte, 1) == 1);
  CHECK(OpenState(folder.path(), std::chrono::seconds(60)).has_value());
  CHECK(waitpid(owner, nullptr, 0) == owner);
  for (const int fd : {locked[0], locked[1], leave[0], leave[1]}) close(fd);
}

TEST_CASE("a crash while a damaged state is replaced leaves the new one to the next broker") {
  const ScratchFolder folder;
  const std::string path = folder.path() + "/state.db";
  {
    const Result<OpenedState> first = OpenState(folder.path());
    REQUIRE(first.has_value());
    first->database->exec("INSERT INTO recipe_ids (id, digest, sum) VALUES (1, 'd', 0)");
    first->database->exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  std::filesystem::rename(path, path + ".new");
  WriteFile(path + "-wal", "of the damaged one");
  const Result<OpenedState> next = OpenState(folder.path());
  REQUIRE_MESSAGE(next.has_value(), next.error().message);
  CHECK(std::filesystem::exists(path));
  CHECK_FALSE(std::filesystem::exists(path + ".new"));
}

TEST_CASE("a network file system is known by its number, and a local one is none") {
  CHECK(NetworkFileSystemName(NFS_SUPER_MAGIC) == "nfs");
  CHECK(NetworkFileSystemName(0xff534d42) == "cifs");
  CHECK(NetworkFileSystemName(0xfe534d42) == "smb2");
  CHECK(NetworkFileSystemName(0x00c36400) == "ceph");
  CHECK(NetworkFileSystemName(EXT4_SUPER_MAGIC).empty());
  CHECK(NetworkFileSystemName(TMPFS_MAGIC).empty());
  const ScratchFolder folder;
  CHECK(NetworkFileSystem(folder.path()).empty());
}

TEST_CASE("an older state is copied before it is changed, and keeps what it held") {
  const ScratchFolder folder;
  const std::string path = folder.path() + "/state.db";
  constexpr std::array<const char*, 2> kSteps = {
      "CREATE TABLE version (version INTEGER); INSERT INTO version VALUES (1);"
      "CREATE TABLE t (a); INSERT INTO t VALUES (42)",
      "ALTER TABLE t ADD COLUMN b DEFAULT 7"};
  SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  const std::span<const char* const> steps(kSteps);
  REQUIRE(Migrate(database, path, steps.first(1)).has_value());
  CHECK_FALSE(std::filesystem::exists(path + ".version-1"));  // nothing was older
  REQUIRE(Migrate(database, path, steps).has_value());
  CHECK(database.execAndGet("SELECT a + b FROM t").getInt() == 49);
  CHECK(database.execAndGet("SELECT version FROM version").getInt() == 2);
  SQLite::Database copy(path + ".version-1");
  CHECK(copy.execAndGet("PRAGMA user_version").getInt() == 1);
  CHECK(copy.execAndGet("SELECT a FROM t").getInt() == 42);
  REQUIRE(Migrate(database, path, steps).has_value());  // and nothing again
}

TEST_CASE("a state of the first version is taken over whole, without a word") {
  const ScratchFolder folder;
  MakeVersion1(folder.path(), 30);
  for (int times = 0; times < 2; ++times) {
    const Result<OpenedState> opened = OpenState(folder.path());
    REQUIRE_MESSAGE(opened.has_value(), opened.error().message);
    CHECK(opened->notes.empty());
    CHECK(opened->database->execAndGet("SELECT version FROM version").getInt() == 2);
    State state(opened->database, kStages);
    Record(state, 30, /*take_over=*/true);
    CHECK(state.damaged_rows() == 0);
  }
  SQLite::Database copy(folder.path() + "/state.db.version-1");
  CHECK(copy.execAndGet("SELECT COUNT(*) FROM items").getInt() == 30);
}

TEST_CASE("a crash while an older state was copied is not in the way of the next broker") {
  const ScratchFolder folder;
  MakeVersion1(folder.path(), 3);
  WriteFile(folder.path() + "/state.db.version-1.new", "cut off");
  WriteFile(folder.path() + "/state.db.version-1", "of an attempt before that");
  const Result<OpenedState> opened = OpenState(folder.path());
  REQUIRE_MESSAGE(opened.has_value(), opened.error().message);
  CHECK(opened->notes.empty());
}

TEST_CASE("a damaged state of the first version gives up what it holds") {
  const ScratchFolder folder;
  MakeVersion1(folder.path(), 30);
  {
    SQLite::Database old(folder.path() + "/state.db", SQLite::OPEN_READWRITE);
    old.exec("UPDATE items SET meta = CAST('x' AS BLOB) WHERE key = CAST('photo 7' AS BLOB)");
  }
  const Result<OpenedState> opened = OpenState(folder.path());
  REQUIRE_MESSAGE(opened.has_value(), opened.error().message);
  REQUIRE(opened->notes.size() == 1);
  CHECK(opened->notes[0].find("29 items of 1 runs could be read") != std::string::npos);
}

TEST_CASE("a migration that fails leaves the older state") {
  const ScratchFolder folder;
  const std::string path = folder.path() + "/state.db";
  constexpr std::array<const char*, 2> kSteps = {
      "CREATE TABLE version (version INTEGER); INSERT INTO version VALUES (1)",
      "CREATE TABLE t (a); INSERT INTO no_such_table VALUES (1)"};
  SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  REQUIRE(Migrate(database, path, std::span<const char* const>(kSteps).first(1)).has_value());
  CHECK_THROWS_AS((void)Migrate(database, path, kSteps), SQLite::Exception);
  CHECK(database.execAndGet("PRAGMA user_version").getInt() == 1);
  CHECK_FALSE(database.tableExists("t"));
}

TEST_CASE("a newer state is refused, and left as it is") {
  const ScratchFolder folder;
  {
    const Result<OpenedState> made = OpenState(folder.path());
    REQUIRE(made.has_value());
    made->database->exec("CREATE TABLE of_tomorrow (a)");
    made->database->exec("UPDATE version SET version = 99");
    made->database->exec("PRAGMA user_version = 99");
  }
  const StateFiles before = StateFiles::Read(folder.path());
  const Result<OpenedState> refused = OpenState(folder.path());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::kUsage);
  CHECK(refused.error().message.find("newer millrace (version 99") != std::string::npos);
  CHECK(StateFiles::Read(folder.path()).database == before.database);
}

TEST_CASE("a state that somebody else reads is opened all the same") {
  const ScratchFolder folder;
  REQUIRE(OpenState(folder.path()).has_value());
  SQLite::Database reader(folder.path() + "/state.db", SQLite::OPEN_READWRITE);
  reader.exec("BEGIN");
  CHECK(reader.execAndGet("SELECT COUNT(*) FROM items").getInt() == 0);
  const Result<OpenedState> opened = OpenState(folder.path());
  REQUIRE(opened.has_value());
  CHECK(opened->notes.empty());
}
