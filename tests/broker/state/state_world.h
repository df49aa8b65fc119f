// A state on a database in memory, and few words for what is done to it.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/state/schema.h"
#include "broker/state/state.h"

namespace millrace::testing {

class StateWorld {
 public:
  // scan, work, save
  static constexpr std::size_t kStages = 3;

  StateWorld() : database(std::make_shared<SQLite::Database>(":memory:", SQLite::OPEN_READWRITE)) {
    REQUIRE(Migrate(*database, ":memory:").has_value());
    Restart();
  }

  std::shared_ptr<SQLite::Database> database;
  std::unique_ptr<State> state;
  RunOrder order{.input = "/in", .output = "/out"};
  Recipes recipes{std::nullopt, "work", "save"};
  std::set<std::string> copies;  // as the run's folder has found them
  std::vector<wire::OutputFile> lost;

  // What was not committed is gone, as with the broker's process.
  void Restart() {
    state.reset();
    state = std::make_unique<State>(database, kStages);
  }

  template <typename T>
  static T Need(Result<T> result) {
    REQUIRE_MESSAGE(result.has_value(), result.error().message);
    return std::move(*result);
  }
  static void Need(Result<void> result) {
    REQUIRE_MESSAGE(result.has_value(), result.error().message);
  }

  RunOpened Open() { return Need(state->Open(order, 1000, copies)); }
  RunStart Start(RunId run, LoadMode how = LoadMode::kSubmitted) {
    return Need(state->Start(run, recipes, how, copies));
  }
  // A new run of the order, started.
  RunId Run() {
    const RunId run = Open().run;
    Start(run);
    return run;
  }
  // Keys with a meta each, "a" for {"a", "size 1"}.
  ScanRecorded Scan(RunId run, const std::vector<std::pair<std::string, std::string>>& found,
                    bool last = true) {
    RecordScan scan{run, {}, std::nullopt, last};
    for (const auto& [key, meta] : found) scan.found.push_back({key, wire::FoundItem::Next{meta}});
    if (!last) scan.next_cursor = "behind " + found.back().first;
    for (const wire::OutputFile& file : lost) scan.lost_outputs.insert(StampOfOutput(file));
    return Need(state->RecordScan(scan));
  }
  // The walk's words on items that it does not pass on: "skipped REASON" or "failed CODE".
  ScanRecorded Say(RunId run, const std::vector<std::pair<std::string, std::string>>& said,
                   bool exhaustive = false) {
    RecordScan scan{run, {}, std::nullopt, exhaustive};
    for (const auto& [key, word] : said) {
      const std::string code = word.substr(word.find(' ') + 1);
      if (word.starts_with("skipped ")) {
        scan.found.push_back({key, wire::FoundItem::Skip{code}});
      } else {
        scan.found.push_back({key, wire::FoundItem::Fail{code, "why it is not read"}});
      }
    }
    return Need(state->RecordScan(scan));
  }
  static ItemEnded Ok(RunId run, const std::string& key) {
    ItemEnded ended;
    ended.run = run;
    ended.key = key;
    ended.stage = 2;
    return ended;
  }
  static ItemEnded Failure(RunId run, const std::string& key, const std::string& code,
                           StageIndex stage = 1) {
    ItemEnded ended = Ok(run, key);
    ended.outcome = ItemOutcome::kFailed;
    ended.stage = stage;
    ended.code = code;
    ended.text = "why";
    return ended;
  }
  // All pages of the list.
  std::vector<std::string> Records(RunId run, const std::string& name) {
    return All<std::string>(
        [&](const std::string& after) { return state->Records(run, name, after); });
  }
  std::vector<ListedItem> Failures(RunId run) {
    return All<ListedItem>([&](const std::string& after) { return state->Failures(run, after); });
  }
  std::vector<ListedItem> Deleted(RunId run) {
    return All<ListedItem>([&](const std::string& after) { return state->Deleted(run, after); });
  }
  void End(const ItemEnded& ended) { Need(state->EndItem(ended)); }
  void Close(RunId run, StoredPhase phase = StoredPhase::kDone) {
    Need(state->Close(run, phase, {}, 2000));
  }
  // A whole run: these items, all ok.
  RunId Finish(const std::vector<std::pair<std::string, std::string>>& found) {
    const RunId run = Run();
    for (const OpenItem& item : Scan(run, found).open) End(Ok(run, item.key));
    Close(run);
    return run;
  }

 private:
  template <typename Row, typename Read>
  static std::vector<Row> All(Read read) {
    std::vector<Row> rows;
    std::string after;
    while (true) {
      State::Page<Row> page = Need(read(after));
      for (Row& row : page.rows) rows.push_back(std::move(row));
      if (!page.more) return rows;
      after = page.last;
    }
  }
};

}  // namespace millrace::testing
