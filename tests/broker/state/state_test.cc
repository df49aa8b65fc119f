// What is remembered of runs and items, and which of it a later run takes over.
#include "broker/state/state.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/broker/state/state_world.h"

using namespace millrace;
using namespace millrace::testing;

TEST_CASE("an item's one outcome is recorded, and a second one is refused") {
  StateWorld world;
  const RunId run = world.Run();
  CHECK(world.Scan(run, {{"a", "m"}}).open.size() == 1);
  world.End(StateWorld::Ok(run, "a"));
  CHECK_FALSE(world.state->EndItem(StateWorld::Ok(run, "a")).has_value());
  CHECK_FALSE(world.state->EndItem(StateWorld::Ok(run, "never named")).has_value());
  const RunSummary summary = StateWorld::Need(world.state->Summarize(run));
  CHECK(summary.counts.ok == 1);
  CHECK(summary.open == 0);
}

TEST_CASE("a key that a walk names twice is one item") {
  StateWorld world;
  const RunId run = world.Run();
  const ScanRecorded first = world.Scan(run, {{"a", "m"}, {"a", "m"}}, /*last=*/false);
  CHECK(first.counts.scanned == 1);
  CHECK(first.counts.repeated == 1);
  const ScanRecorded again = world.Scan(run, {{"a", "m"}, {"b", "m"}});
  CHECK(again.counts.scanned == 1);
  CHECK(again.open.at(0).key == "b");
}

TEST_CASE("the same order again does only what is not done") {
  StateWorld world;
  const RunId first = world.Run();
  world.Scan(first, {{"changed", "1"},
                     {"done", "1"},
                     {"failed", "1"},
                     {"flaky", "1"},
                     {"gpu", "1"},
                     {"text", ""}});
  world.End(StateWorld::Ok(first, "changed"));
  world.End(StateWorld::Ok(first, "done"));
  world.End(StateWorld::Failure(first, "failed", "corrupt"));
  world.End(StateWorld::Failure(first, "flaky", "write-failed"));
  world.End(StateWorld::Failure(first, "gpu", "internal"));
  ItemEnded skip = StateWorld::Ok(first, "text");
  skip.outcome = ItemOutcome::kSkipped;
  skip.stage = 1;
  world.End(skip);
  world.Close(first);

  const RunOpened opened = world.Open();
  CHECK(opened.has_history);
  CHECK_FALSE(opened.continued);
  world.Start(opened.run);
  const ScanRecorded scan = world.Scan(opened.run, {{"changed", "2"},
                                                    {"done", "1"},
                                                    {"failed", "1"},
                                                    {"flaky", "1"},
                                                    {"gpu", "1"},
                                                    {"new", "1"},
                                                    {"text", ""}});
  std::vector<std::string> open;
  for (const OpenItem& item : scan.open) open.push_back(item.key);
  CHECK(open == std::vector<std::string>{"changed", "flaky", "gpu", "new"});
  CHECK(scan.counts.scanned == 7);
  CHECK(scan.counts.ok == 1);
  CHECK(scan.counts.failed == 1);
  CHECK(scan.counts.skipped == 1);
  CHECK(scan.counts.resumed == 2);
  CHECK(scan.counts.resumed_failed == 1);
  CHECK(scan.counts.resumed_failed_by == scan.counts.failed_by);
}

TEST_CASE("what was done into one folder is not done into another that has its path") {
  StateWorld world;
  world.order.folder = "first";
  world.Finish({{"a", "m"}});
  world.order.folder = "second";
  const RunId second = world.Run();
  CHECK(world.Scan(second, {{"a", "m"}}).open.size() == 1);
  CHECK(world.state->Retry("/out", "third", std::nullopt, "").error().code == ErrorCode::kNotFound);
  // Back again, with what was done there, and the run into the other one is still to go on.
  world.order.folder = "first";
  const RunId first = world.Run();
  CHECK(world.Scan(first, {{"a", "m"}}).counts.resumed == 1);
  const std::vector<RunRow> latest = StateWorld::Need(world.state->Latest(0));
  REQUIRE(latest.size() == 2);
  CHECK(latest[0].order.output == "/out");
  CHECK(latest[0].order.folder == "second");
}

namespace {

// The folder of an OUTPUT, with its id in it.
class OutputFolder {
 public:
  OutputFolder() {
    char name[] = "/tmp/millrace-state-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~OutputFolder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string Make(const std::string& name, const std::string& id) const {
    std::filesystem::create_directories(path_ + "/" + name + "/.millrace");
    std::ofstream(path_ + "/" + name + "/.millrace/id") << id << "\n";
    return path_ + "/" + name;
  }
  void Move(const std::string& from, const std::string& to) const {
    std::filesystem::rename(path_ + "/" + from, path_ + "/" + to);
  }
  [[nodiscard]] std::string At(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("an output that was moved goes on by its id, with what was under way and to be retried") {
  const OutputFolder folder;
  StateWorld world;
  world.order.output = folder.Make("out", "id");
  world.order.folder = "id";
  const RunId first = world.Run();
  world.Scan(first, {{"a", "1"}, {"b", "1"}, {"c", "1"}});
  world.End(StateWorld::Ok(first, "a"));
  world.End(StateWorld::Failure(first, "b", "corrupt"));
  world.Close(first, StoredPhase::kStopped);
  folder.Move("out", "moved");
  world.order.output = folder.At("moved");
  const RunOpened opened = world.Open();
  CHECK(opened.run == first);
  CHECK(opened.continued);
  CHECK(opened.order.output == folder.At("moved"));
  CHECK(world.Start(first).counts.resumed == 2);
  world.End(StateWorld::Ok(first, "c"));
  world.Close(first);
  folder.Move("moved", "again");
  const RunOpened retried =
      StateWorld::Need(world.state->Retry(folder.At("again"), "id", std::nullopt, ""));
  CHECK(retried.run == first);
  CHECK(retried.order.output == folder.At("again"));
  CHECK(world.Start(first, LoadMode::kRetried).open.size() == 1);
  CHECK(world.database->execAndGet("SELECT COUNT(*) FROM roots").getInt() == 1);
}

TEST_CASE("an input that was moved goes on by the paths in it") {
  const OutputFolder folder;
  StateWorld world;
  world.order.output = folder.Make("out", "id");
  world.order.folder = "id";
  const RunId first = world.Run();
  world.Scan(first, {{"a", "1"}, {"b", "1"}, {"c", "1"}, {"gone", "1"}});
  for (const char* key : {"a", "b", "gone"}) {
    ItemEnded ended = StateWorld::Ok(first, key);
    ended.records = {{"areas", std::string("of ") + key}};
    world.End(ended);
  }
  world.End(StateWorld::Failure(first, "c", "corrupt"));
  world.Close(first);

  world.order.input = "/moved";
  const RunOpened opened = world.Open();
  CHECK(opened.has_history);
  world.Start(opened.run);
  const ScanRecorded scan =
      world.Scan(opened.run, {{"a", "1"}, {"b", "changed"}, {"c", "1"}, {"new", "1"}});
  CHECK(scan.counts.resumed == 2);
  CHECK_FALSE(scan.nothing_counts);
  REQUIRE(scan.open.size() == 2);
  CHECK(scan.open[0].key == "b");
  world.End(StateWorld::Ok(opened.run, "b"));
  world.End(StateWorld::Ok(opened.run, "new"));
  CHECK(world.Records(opened.run, "areas") == std::vector<std::string>{"of a"});
  // Of the other INPUT, for all that is known: it is not taken for deleted.
  CHECK(StateWorld::Need(world.state->Summarize(opened.run)).deleted == 0);
  world.Close(opened.run);

  // And back: what was done again meanwhile is the other's, and does not count a second time.
  world.order.input = "/in";
  const RunId back = world.Run();
  const ScanRecorded again = world.Scan(back, {{"a", "1"}, {"b", "1"}, {"c", "1"}, {"gone", "1"}});
  REQUIRE(again.open.size() == 1);
  CHECK(again.open[0].key == "b");
  CHECK(again.counts.resumed == 3);
}

TEST_CASE("in a copy of an output counts what was done before it was made, and stays done there") {
  StateWorld world;
  world.order.folder = "id";
  const RunId first = world.Run();
  world.Scan(first, {{"after", "1"}, {"before", "1"}});
  for (const char* key : {"after", "before"}) {
    ItemEnded ended = StateWorld::Ok(first, key);
    ended.outputs = {{key, 4, 1}};
    world.End(ended);
  }
  world.Close(first);
  const std::string original = world.order.output;
  world.order.output = "/copy";
  CHECK(StateWorld::Need(world.state->PlacesOf("id", "/copy")) ==
        std::vector<std::string>{original});
  world.copies = {original};
  world.lost = {{"after", 4, 1}};  // written after the copy was made
  CHECK(world.state->Retry("/copy", "id", std::nullopt, "", world.copies).error().code ==
        ErrorCode::kNotFound);
  const RunId copy = world.Run();
  const auto known = StateWorld::Need(world.state->OutputsOf(copy, {"after", "before"}));
  CHECK(known.size() == 2);
  const ScanRecorded scan = world.Scan(copy, {{"after", "1"}, {"before", "1"}});
  REQUIRE(scan.open.size() == 1);
  CHECK(scan.open[0].key == "after");
  world.End(StateWorld::Ok(copy, "after"));
  world.Close(copy);
  world.order.output = original;
  world.copies = {"/copy"};
  world.lost = {};
  CHECK(world.Scan(world.Run(), {{"after", "1"}, {"before", "1"}}).counts.resumed == 2);
}

TEST_CASE("where nothing counts the reason is known, and of which run") {
  StateWorld world;
  world.order.folder = "one";
  const RunId first = world.Finish({{"a", "1"}, {"b", "1"}});
  using Why = NothingCounts::Why;
  const auto scan = [&](const std::vector<std::pair<std::string, std::string>>& found, bool last) {
    const RunId run = world.Run();
    const std::optional<NothingCounts> why = world.Scan(run, found, last).nothing_counts;
    if (last) {
      const auto summary = StateWorld::Need(world.state->Summarize(run));
      CHECK(summary.nothing_counts.has_value() == why.has_value());
    }
    world.Close(run, StoredPhase::kDone);
    if (why) CHECK(why->run == first);
    return why;
  };
  world.recipes[2] = "save, otherwise";
  std::optional<NothingCounts> why = scan({{"a", "1"}}, /*last=*/false);  // with the first chunk
  REQUIRE(why);
  CHECK(why->why == Why::kStages);
  CHECK(why->stages == std::vector<std::int64_t>{2});
  CHECK(why->submitted_s == 1000);
  world.recipes[2] = "save";
  CHECK_FALSE(scan({{"b", "1"}}, false));  // one counts

  StateWorld touched;
  touched.order.folder = "one";
  const RunId before = touched.Run();
  CHECK_FALSE(touched.Scan(before, {{"a", "1"}}).nothing_counts);  // nothing was there
  touched.End(StateWorld::Ok(before, "a"));
  touched.Close(before);
  const RunId after = touched.Run();
  CHECK_FALSE(touched.Scan(after, {{"a", "2"}}, /*last=*/false).nothing_counts);  // it may come yet
  why = touched.Scan(after, {{"b", "2"}}).nothing_counts;
  REQUIRE(why);
  CHECK(why->why == Why::kFiles);
  CHECK(why->run == before);

  StateWorld others;
  others.order.folder = "one";
  others.Finish({{"a", "1"}});
  why = others.Scan(others.Run(), {{"c", "1"}}).nothing_counts;
  REQUIRE(why);
  CHECK(why->why == Why::kOtherFiles);
  CHECK(why->input == "/in");
  others.order.folder = "two";
  why = others.Scan(others.Run(), {{"a", "1"}}, /*last=*/false).nothing_counts;
  REQUIRE(why);
  CHECK(why->why == Why::kNewFolder);
  others.order.folder = "three";
  others.order.fresh = true;  // nobody has asked for anything to count
  CHECK_FALSE(others.Scan(others.Run(), {{"a", "1"}}).nothing_counts);
}

TEST_CASE("what did not count is kept in few bytes, and any bytes can be read") {
  const Redone redone{.by_stages = 1, .by_file = 20, .by_output = 3, .recipe = 4};
  CHECK(Redone::Decode(redone.Encode()) == redone);
  CHECK(Redone().Encode().empty());
  CHECK(Redone::Decode("") == Redone());
  CHECK(Redone::Decode("7 x") == Redone{.by_stages = 7});
}

TEST_CASE("a fresh order does all") {
  StateWorld world;
  world.Finish({{"a", "m"}});
  world.order.fresh = true;
  const RunId fresh = world.Run();
  CHECK(world.Scan(fresh, {{"a", "m"}}, /*last=*/false).open.size() == 1);
  world.Close(fresh, StoredPhase::kStopped);
  CHECK(world.Open().run != fresh);  // and does not go on with what an interrupted one had done
}

TEST_CASE("a run that was not over is among the latest, however many ended after it") {
  StateWorld world;
  const RunId old = world.Run();
  world.order.output = "/elsewhere";
  for (int i = 0; i < 3; ++i) world.Close(world.Run());
  const std::vector<RunRow> latest = StateWorld::Need(world.state->Latest(1));
  REQUIRE(latest.size() == 2);
  CHECK(latest[0].id == old);
}

TEST_CASE("what another recipe made is made again; a failure stands while the stages up to it do") {
  StateWorld world;
  const RunId first = world.Run();
  world.Scan(first, {{"bad", "m"}, {"good", "m"}});
  world.End(StateWorld::Failure(first, "bad", "corrupt", /*stage=*/1));
  world.End(StateWorld::Ok(first, "good"));
  world.Close(first);
  world.recipes[2] = "save, otherwise";
  const ScanRecorded scan = world.Scan(world.Run(), {{"bad", "m"}, {"good", "m"}});
  REQUIRE(scan.open.size() == 1);
  CHECK(scan.open[0].key == "good");
  CHECK(scan.counts.resumed_failed == 1);
}

TEST_CASE("another output is another run: nothing is taken over") {
  StateWorld world;
  world.Finish({{"a", "m"}});
  world.order.output = "/elsewhere";
  CHECK_FALSE(world.Open().has_history);
  CHECK(world.Scan(world.Run(), {{"a", "m"}}).open.size() == 1);
}

TEST_CASE("an interrupted run goes on at its cursor, with what is open and what it went through") {
  StateWorld world;
  const RunId run = world.Run();
  world.Scan(run, {{"a", "1"}, {"b", "2"}, {"c", "3"}}, /*last=*/false);
  world.End(StateWorld::Ok(run, "a"));
  StateWorld::Need(world.state->Mark({run, "b", {.stage = 2, .attempts = 2, .alone = true}}));
  world.Close(run, StoredPhase::kStopped);
  world.Restart();
  const RunOpened opened = world.Open();
  CHECK(opened.run == run);
  CHECK(opened.continued);
  const RunStart start = world.Start(run);
  CHECK(start.cursor == "behind c");
  CHECK_FALSE(start.scan_ended);
  CHECK(start.counts.scanned == 3);
  CHECK(start.counts.ok == 1);
  CHECK(start.counts.resumed == 1);
  REQUIRE(start.open.size() == 2);
  CHECK(start.open[0].key == "b");
  CHECK(start.open[0].meta == "2");
  CHECK(start.open[0].marks == ItemMarks{.stage = 2, .attempts = 2, .alone = true});
  CHECK(start.open[1].marks == ItemMarks{});
}

TEST_CASE("failures are told by their codes from those that were taken over") {
  StateWorld world;
  const RunId run = world.Run();
  world.Scan(run, {{"a", "1"}, {"b", "2"}, {"c", "3"}}, /*last=*/false);
  world.End(StateWorld::Failure(run, "a", "corrupt"));
  const std::map<std::string, std::int64_t> corrupt = {{"corrupt", 1}};

  world.Restart();  // of the broker: the run's own failures stay its own
  const RunStart restored = world.Start(run, LoadMode::kRestored);
  CHECK(restored.counts.failed_by == corrupt);
  CHECK(restored.counts.resumed_failed_by.empty());

  world.Close(run, StoredPhase::kStopped);
  CHECK(world.Open().run == run);
  CHECK(world.Start(run).counts.resumed_failed_by == corrupt);
  // Which of two were taken over is not known: none passes for the run's own.
  world.End(StateWorld::Failure(run, "b", "empty"));
  world.Restart();
  const RunStart again = world.Start(run, LoadMode::kRestored);
  CHECK(again.counts.resumed_failed == 1);
  CHECK(again.counts.failed_by.size() == 2);
  CHECK(again.counts.resumed_failed_by == again.counts.failed_by);
}

TEST_CASE("an interrupted run whose recipe has changed walks anew") {
  StateWorld world;
  const RunId run = world.Run();
  world.Scan(run, {{"a", "1"}, {"b", "2"}}, /*last=*/false);
  world.End(StateWorld::Ok(run, "a"));
  world.Close(run, StoredPhase::kStopped);
  world.recipes[1] = "another model";
  CHECK(world.Open().run == run);
  const RunStart start = world.Start(run);
  CHECK(start.cursor.empty());
  CHECK(start.counts.scanned == 0);
  CHECK(start.open.empty());
  CHECK(world.Scan(run, {{"a", "1"}, {"b", "2"}}).open.size() == 2);
}

TEST_CASE("an interrupted run under other rules is another run") {
  StateWorld world;
  const RunId run = world.Run();
  world.Scan(run, {{"a", "1"}}, /*last=*/false);
  world.Close(run, StoredPhase::kStopped);
  world.order.options = "only jpg";
  CHECK(world.Open().run != run);
}

TEST_CASE("what was not committed is gone, and its walk with it") {
  StateWorld world;
  const RunId run = world.Run();
  StateWorld::Need(world.state->Begin());
  world.Scan(run, {{"a", "1"}}, /*last=*/false);
  StateWorld::Need(world.state->Commit());
  StateWorld::Need(world.state->Begin());
  world.End(StateWorld::Ok(run, "a"));
  world.Scan(run, {{"b", "2"}});
  world.state->Rollback();
  world.Restart();
  const RunStart start = world.Start(run, LoadMode::kRestored);
  CHECK(start.cursor == "behind a");
  REQUIRE(start.open.size() == 1);
  CHECK(start.open[0].key == "a");
}

TEST_CASE("retry opens the failures that match, and the run's report covers the rest too") {
  StateWorld world;
  const RunId run = world.Run();
  world.Scan(run, {{"a", "1"}, {"b", "1"}, {"c", "1"}});
  world.End(StateWorld::Ok(run, "a"));
  world.End(StateWorld::Failure(run, "b", "corrupt"));
  world.End(StateWorld::Failure(run, "c", "timeout", 2));
  world.Close(run);
  const RunOpened retried = StateWorld::Need(world.state->Retry("/out", "", 2, ""));
  CHECK(retried.run == run);
  const RunStart start = world.Start(run, LoadMode::kRetried);
  CHECK(start.scan_ended);
  REQUIRE(start.open.size() == 1);
  CHECK(start.open[0].key == "c");
  CHECK(start.open[0].marks.attempts == 0);
  CHECK(start.counts.ended() == 2);
  CHECK(world.state->Retry("/out", "", std::nullopt, "empty").error().code == ErrorCode::kNotFound);
  CHECK(world.state->Retry("/other", "", std::nullopt, "").error().code == ErrorCode::kNotFound);
}

TEST_CASE("what a run leaves out keeps its outcome for the next one") {
  StateWorld world;
  const RunId first = world.Run();
  world.Scan(first, {{"done", "1"}, {"failed", "1"}, {"open", "1"}, {"skipped", "1"}});
  ItemEnded done = StateWorld::Ok(first, "done");
  done.outputs = {{"done.png", 5, 6}};
  done.records = {{"areas", "of done"}};
  done.warnings = {"truncated"};
  world.End(done);
  world.End(StateWorld::Failure(first, "failed", "corrupt"));
  ItemEnded skipped = StateWorld::Ok(first, "skipped");
  skipped.outcome = ItemOutcome::kSkipped;
  world.End(skipped);
  StateWorld::Need(world.state->Mark({first, "open", {.stage = 1, .attempts = 1, .alone = true}}));
  world.Close(first, StoredPhase::kStopped);

  // Twice in a row, and the second time nothing that was done before would count for it.
  for (const bool fresh : {false, true}) {
    world.order.options = "without any of them";
    world.order.fresh = fresh;
    const RunId part = world.Run();
    const ScanRecorded scan = world.Say(part, {{"done", "skipped excluded"},
                                               {"failed", "skipped broken"},
                                               {"open", "skipped excluded"},
                                               {"skipped", "failed unreadable"}});
    CHECK(scan.open.empty());
    CHECK(scan.counts.skipped == 3);
    CHECK(scan.counts.failed == 1);
    CHECK(scan.counts.resumed == 0);
    CHECK_FALSE(world.state->EndItem(StateWorld::Ok(part, "open")).has_value());
    const RunSummary summary = StateWorld::Need(world.state->Summarize(part));
    CHECK(summary.counts.scanned == 4);
    CHECK(summary.counts.ok == 0);
    CHECK(summary.open == 0);
    CHECK(summary.skipped_by ==
          std::map<std::string, std::int64_t>{{"broken", 1}, {"excluded", 2}});
    CHECK(summary.counts.failed_by == std::map<std::string, std::int64_t>{{"unreadable", 1}});
    CHECK(summary.warnings.empty());
    const std::vector<ListedItem> failures = world.Failures(part);
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].key == "skipped");
    CHECK(failures[0].stage == 0);
    CHECK(failures[0].text == "why it is not read");
    CHECK(world.Records(part, "areas").empty());  // those are of items that were left out
    world.Restart();                              // the broker's, in the middle of it
    const RunStart again = world.Start(part, LoadMode::kRestored);
    CHECK(again.open.empty());
    CHECK(again.counts.skipped == 3);
    CHECK(again.counts.failed == 1);
    world.Close(part);
    CHECK(world.state->Retry("/out", "", std::nullopt, "corrupt").error().code ==
          ErrorCode::kNotFound);
  }

  world.order.options = "";
  world.order.fresh = false;
  const RunId whole = world.Run();
  const ScanRecorded scan =
      world.Scan(whole, {{"done", "1"}, {"failed", "1"}, {"open", "1"}, {"skipped", "1"}});
  CHECK(scan.counts.ok == 1);
  CHECK(scan.counts.failed == 1);
  CHECK(scan.counts.skipped == 1);
  CHECK(scan.counts.resumed == 2);
  REQUIRE(scan.open.size() == 1);
  CHECK(scan.open[0].marks == ItemMarks{.stage = 1, .attempts = 1, .alone = true});
  CHECK(world.Records(whole, "areas").size() == 1);
}

TEST_CASE("an item that was left out and has changed since is done again") {
  StateWorld world;
  world.Finish({{"a", "1"}});
  const RunId part = world.Run();
  world.Say(part, {{"a", "skipped excluded"}});
  world.Close(part);
  const RunId whole = world.Run();
  CHECK(world.Scan(whole, {{"a", "2"}}).open.size() == 1);
  world.End(StateWorld::Ok(whole, "a"));
  CHECK(StateWorld::Need(world.state->Summarize(whole)).counts.ok == 1);
}

TEST_CASE("what a walk says of an item is of its run, whatever the item had come to") {
  ItemRow row;
  row.stage = 2;
  row.recipe = 4;
  row.state = ItemState::kOk;
  row.outputs = {{"a", 1, 2}};
  row.said = SaidOf(ItemState::kFailed, "unreadable", "cannot read a b: no");
  row.TakeWhatWasSaid();
  CHECK(row.state == ItemState::kFailed);
  CHECK(row.code == "unreadable");
  CHECK(row.text == "cannot read a b: no");
  CHECK(row.stage == 0);
  CHECK(row.marks.attempts == 1);
  CHECK(row.outputs.empty());
  row.said = SaidOf(ItemState::kSkipped, "excluded", "");
  row.TakeWhatWasSaid();
  CHECK(row.state == ItemState::kSkipped);
  CHECK(row.code == "excluded");
  CHECK(row.text.empty());
}

TEST_CASE("what lies in a folder that a walk passes over is not taken for deleted") {
  StateWorld world;
  world.Finish({{"aside/deep/b", "1"}, {"aside-b", "1"}, {"linked/c", "1"}, {"here", "1"}});
  const RunId whole = world.Run();
  RecordScan scan{whole, {}, std::nullopt, true};
  scan.found.push_back({"aside", wire::FoundItem::Skip{"excluded"}});
  scan.found.push_back({"here", wire::FoundItem::Next{"1"}});
  scan.found.push_back({"linked", wire::FoundItem::Skip{"dangling-link"}});
  StateWorld::Need(world.state->RecordScan(scan));
  CHECK(StateWorld::Need(world.state->Summarize(whole)).deleted == 1);
  const std::vector<ListedItem> deleted = world.Deleted(whole);
  REQUIRE(deleted.size() == 1);
  CHECK(deleted[0].key == "aside-b");
}

TEST_CASE("a folder that is walked again is not taken for deleted") {
  StateWorld world;
  world.Finish({{"here", "1"}});
  const RunId part = world.Run();
  world.Say(part, {{"aside", "skipped excluded"}, {"gone", "skipped excluded"}});
  world.Close(part);
  const RunId whole = world.Run();
  world.Scan(whole, {{"aside/a", "1"}, {"here", "1"}});
  CHECK(StateWorld::Need(world.state->Summarize(whole)).deleted == 1);
}

TEST_CASE("deleted inputs are known only where all of the input was seen") {
  StateWorld world;
  world.Finish({{"gone", "1"}, {"here", "1"}});
  const auto deleted = [&](RunId run) {
    return StateWorld::Need(world.state->Summarize(run)).deleted;
  };
  const RunId part = world.Run();
  StateWorld::Need(
      world.state->RecordScan({part, {{"here", wire::FoundItem::Next{"1"}}}, {}, false}));
  CHECK(deleted(part) == 0);
  world.Close(part);
  const RunId unread = world.Run();
  StateWorld::Need(world.state->RecordScan(
      {unread, {{"dir", wire::FoundItem::Fail{"unreadable", "no"}}}, std::nullopt, true}));
  CHECK(deleted(unread) == 0);
  world.Close(unread);
  const RunId empty = world.Run();
  StateWorld::Need(world.state->RecordScan({empty, {}, std::nullopt, true}));
  CHECK(deleted(empty) == 0);
  world.Close(empty);
  const RunId whole = world.Run();
  world.Scan(whole, {{"here", "1"}});
  CHECK(deleted(whole) == 2);  // "gone", and "dir" as it was
  StateWorld::Need(world.state->Remove(whole, {"dir", "gone"}));
  CHECK(deleted(whole) == 0);
}

TEST_CASE("with verify_outputs an item whose output is gone or changed is done again") {
  StateWorld world;
  const RunId first = world.Run();
  world.Scan(first, {{"gone", "1"}, {"kept", "1"}});
  for (const char* key : {"gone", "kept"}) {
    ItemEnded ended = StateWorld::Ok(first, key);
    ended.outputs = {{key, 4, 1}};
    world.End(ended);
  }
  world.Close(first);
  world.order.verify_outputs = true;
  const RunId second = world.Run();
  const auto known = StateWorld::Need(world.state->OutputsOf(second, {"gone", "kept", "new"}));
  CHECK(known == std::vector<wire::OutputFile>{{"gone", 4, 1}, {"kept", 4, 1}});
  world.lost = {{"gone", 4, 1}, {"kept", 5, 1}};  // of another size it is another's
  const ScanRecorded scan = world.Scan(second, {{"gone", "1"}, {"kept", "1"}});
  REQUIRE(scan.open.size() == 1);
  CHECK(scan.open[0].key == "gone");
}

TEST_CASE("a list is given page by page, each item once") {
  StateWorld world;
  const RunId run = world.Run();
  std::vector<std::pair<std::string, std::string>> found;
  for (std::size_t at = 0; at < 2 * State::kPageRows + 1; ++at) {
    found.emplace_back(std::to_string(10'000 + at), "1");
  }
  world.Scan(run, found);
  for (const auto& [key, meta] : found) world.End(StateWorld::Failure(run, key, "corrupt"));
  const auto first = StateWorld::Need(world.state->Failures(run, ""));
  CHECK(first.rows.size() == State::kPageRows);
  CHECK(first.more);
  const std::vector<ListedItem> all = world.Failures(run);
  REQUIRE(all.size() == found.size());
  for (std::size_t at = 0; at < all.size(); ++at) CHECK(all[at].key == found[at].first);
}

TEST_CASE("records stand beside their item and go with its next outcome") {
  StateWorld world;
  const auto lines = [&](RunId run) { return world.Records(run, "areas"); };
  const RunId first = world.Run();
  world.Scan(first, {{"a", "1"}, {"b", "1"}});
  for (const char* key : {"b", "a"}) {
    ItemEnded ended = StateWorld::Ok(first, key);
    ended.records = {{"areas", std::string("of ") + key}};
    world.End(ended);
  }
  CHECK(lines(first) == std::vector<std::string>{"of a", "of b"});
  world.Close(first);
  const RunId second = world.Run();
  world.Scan(second, {{"a", "1"}, {"b", "2"}});
  world.End(StateWorld::Ok(second, "b"));
  CHECK(lines(second) == std::vector<std::string>{"of a"});
}

TEST_CASE("old runs are forgotten with what no other has named") {
  StateWorld world;
  world.Finish({{"a", "1"}, {"b", "1"}});
  world.Finish({{"a", "1"}});
  StateWorld::Need(world.state->Forget(1, 0));
  CHECK(StateWorld::Need(world.state->Latest(10)).size() == 1);
  const auto items = [&] {
    return world.database->execAndGet("SELECT COUNT(*) FROM items").getInt();
  };
  CHECK(items() == 1);
  StateWorld::Need(world.state->Forget(0, 3000));  // all ended at 2000
  CHECK(items() == 0);
  CHECK(world.database->execAndGet("SELECT COUNT(*) FROM roots").getInt() == 0);
}

TEST_CASE("runs over parts do not let go of what only a run over the whole has named") {
  StateWorld world;
  world.Finish({{"a", "1"}, {"aside/b", "1"}, {"gone", "1"}});
  world.order.options = "a part";
  for (int part = 0; part < 3; ++part) {
    const RunId run = world.Run();
    world.Say(run, {{"a", "skipped excluded"}});
    world.Close(run);
  }
  StateWorld::Need(world.state->Forget(2, 0));
  const auto items = [&] {
    return world.database->execAndGet("SELECT COUNT(*) FROM items").getInt();
  };
  CHECK(items() == 3);
  // Of the whole, but for a folder that it passes over.
  world.order.options = "";
  const RunId whole = world.Run();
  world.Say(whole, {{"a", "skipped broken"}, {"aside", "skipped excluded"}}, /*exhaustive=*/true);
  world.Close(whole);
  StateWorld::Need(world.state->Forget(1, 0));
  CHECK(items() == 3);  // a, aside, aside/b
  CHECK(world.Scan(world.Run(), {{"a", "1"}, {"aside/b", "1"}}).counts.resumed == 2);
}

TEST_CASE("a run's number is not given again, though the counter of numbers is gone") {
  StateWorld world;
  const RunId first = world.Finish({{"a", "1"}});
  world.database->exec("DELETE FROM sqlite_sequence");
  world.order.output = "/elsewhere";
  CHECK(world.Open().run != first);
}

TEST_CASE("a row that the disk has changed is not believed") {
  StateWorld world;
  world.Finish({{"a", "1"}, {"b", "1"}});
  world.database->exec("UPDATE items SET code = 'x' WHERE key = CAST('a' AS BLOB)");
  world.Restart();
  const ScanRecorded scan = world.Scan(world.Run(), {{"a", "1"}, {"b", "1"}});
  REQUIRE(scan.open.size() == 1);
  CHECK(scan.open[0].key == "a");
  CHECK(world.state->damaged_rows() > 0);
}

TEST_CASE("a run does not go on with a row of its items that the disk has changed") {
  StateWorld world;
  const RunId run = world.Run();
  world.Scan(run, {{"a", "1"}, {"b", "1"}}, /*last=*/false);
  world.database->exec("UPDATE items SET code = 'x' WHERE key = CAST('a' AS BLOB)");
  world.Restart();
  const Result<RunStart> start = world.state->Start(run, world.recipes, LoadMode::kRestored);
  REQUIRE_FALSE(start.has_value());
  CHECK(start.error().message.find("1 rows of items have changed") != std::string::npos);
}

TEST_CASE("outputs are kept in few bytes, and any bytes can be read") {
  const std::vector<wire::OutputFile> files = {{"a b\n.png", 12, 34}, {"key", 0, -1}};
  CHECK(DecodeOutputs(EncodeOutputs(files, "key"), "key") == files);
  CHECK(DecodeOutputs("", "key").empty());
  CHECK(DecodeOutputs("12", "key").empty());
  CHECK(DecodeOutputs(std::string("x y z\0 1", 8), "key").empty());
}

TEST_CASE("a status keeps what it said") {
  wire::RunStatus status;
  status.run = RunId(3);
  status.ok = 7;
  status.report = "{}";
  const std::optional<wire::RunStatus> read = DecodeStatus(EncodeStatus(status));
  REQUIRE(read);
  CHECK(read->ok == 7);
  CHECK(read->report == "{}");
  CHECK_FALSE(DecodeStatus("").has_value());
  CHECK_FALSE(DecodeStatus("anything").has_value());
}
