// What an item costs on disk and in time, in a state that is filled as a run fills it.
//
//   MILLRACE_STATE_ITEMS=1000000 build/release/tests/state_size_test    # the promise; 30,000 else
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>

#include "broker/state/open_state.h"
#include "broker/state/state.h"
#include "common/payload/meta.h"

using namespace millrace;

namespace {

constexpr double kMostBytes = 150;  // an item: what the documents promise
constexpr std::int64_t kChunk = 500;
constexpr std::int64_t kBehind = 2000;  // how far the last stage is behind the walk
constexpr std::int64_t kDirectory = 1000;
constexpr std::int64_t kMtime = 1'700'000'000'000'000'000;

std::string Key(std::int64_t number) {
  return fmt::format("{:04}/photo-{:06}.jpg", number / kDirectory, number);
}

// As the scanner tells of a file.
std::string MetaOf(std::int64_t number) {
  Meta meta;
  meta.Set("bytes", std::int64_t{2'345'678 + number});
  meta.Set("mtime_ns", kMtime + number * 1'234'567);
  return meta.Encode();
}

class Filling {
 public:
  Filling(std::string folder, std::int64_t items) : folder_(std::move(folder)), items_(items) {}

  // Calls `work` and prints what it took.
  template <typename Work>
  void Time(const char* what, Work work) const {
    const auto begun = std::chrono::steady_clock::now();
    const std::clock_t cpu_begun = std::clock();
    work();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    const double cpu = static_cast<double>(std::clock() - cpu_begun) / CLOCKS_PER_SEC;
    std::printf("%-40s %7.2f s, of which %6.2f s on the CPU, %6.2f us an item\n", what,
                took.count(), cpu, cpu * 1e6 / static_cast<double>(items_));
  }
  void Open() {
    state_.reset();
    database_.reset();
    lock_.reset();
    Result<OpenedState> opened = OpenState(folder_);
    REQUIRE(opened.has_value());
    CHECK(opened->notes.empty());
    lock_.emplace(std::move(opened->lock));
    database_ = opened->database;
    state_ = std::make_unique<State>(database_, 4);
  }
  void Record() {
    Begin();
    for (std::int64_t at = 0; at < items_ + kBehind; at += kChunk) {
      if (at < items_) CHECK(Scan(at) == kChunk);
      if (at >= kBehind) End(at - kBehind);
    }
    Transaction([&] { return state_->Close(run_, StoredPhase::kDone, {}, 2000); });
  }
  void Rerun() {
    Begin();
    for (std::int64_t at = 0; at < items_; at += kChunk) CHECK(Scan(at) == 0);
    Transaction([&] { return state_->Close(run_, StoredPhase::kDone, {}, 3000); });
  }
  void Summarize() const {
    const Result<RunSummary> summary = state_->Summarize(run_);
    REQUIRE(summary.has_value());
    CHECK(summary->counts.ok == items_);
  }
  double BytesAnItem() const {
    database_->exec("PRAGMA wal_checkpoint(TRUNCATE)");
    return static_cast<double>(std::filesystem::file_size(folder_ + "/state.db")) /
           static_cast<double>(items_);
  }

 private:
  template <typename Work>
  void Transaction(Work work) {
    REQUIRE(state_->Begin().has_value());
    REQUIRE(work().has_value());
    REQUIRE(state_->Commit().has_value());
  }
  void Begin() {
    const RunOrder order{.input = "/data/photos", .output = "/data/out"};
    Transaction([&] {
      const Result<RunOpened> opened = state_->Open(order, 1000);
      REQUIRE(opened.has_value());
      run_ = opened->run;
      return state_->Start(run_, {std::nullopt, "preprocess", "inference", "postprocess"},
                           LoadMode::kSubmitted);
    });
  }
  // How many of a chunk are to be done.
  std::int64_t Scan(std::int64_t from) {
    RecordScan scan{run_, {}, std::nullopt, true};
    for (std::int64_t at = from; at < from + kChunk; ++at) {
      scan.found.push_back({Key(at), wire::FoundItem::Next{MetaOf(at)}});
    }
    if (from + kChunk < items_) scan.next_cursor = Key(from + kChunk);
    std::int64_t open = 0;
    Transaction([&] {
      Result<ScanRecorded> recorded = state_->RecordScan(scan);
      if (recorded) open = static_cast<std::int64_t>(recorded->open.size());
      return recorded;
    });
    return open;
  }
  void End(std::int64_t from) {
    Transaction([&]() -> Result<void> {
      for (std::int64_t at = from; at < from + kChunk; ++at) {
        ItemEnded ended;
        ended.run = run_;
        ended.key = Key(at);
        ended.stage = 3;
        ended.outputs = {{ended.key, 123'456, kMtime + at}};
        RETURN_IF_ERROR(state_->EndItem(ended));
      }
      return {};
    });
  }

  const std::string folder_;
  const std::int64_t items_;
  std::optional<FileLock> lock_;
  std::shared_ptr<SQLite::Database> database_;
  std::unique_ptr<State> state_;
  RunId run_;
};

}  // namespace

TEST_CASE("an item takes at most 150 bytes on disk") {
  const char* asked = std::getenv("MILLRACE_STATE_ITEMS");
  const std::int64_t items = asked != nullptr ? std::atoll(asked) : 30'000;
  REQUIRE(items % kChunk == 0);
  std::string folder = "/tmp/millrace-state-size-XXXXXX";
  REQUIRE(mkdtemp(folder.data()) != nullptr);
  {
    Filling filling(folder, items);
    filling.Open();
    filling.Time("a run: each item named, then done", [&] { filling.Record(); });
    std::printf("%lld items, %.1f bytes each\n", static_cast<long long>(items),
                filling.BytesAnItem());
    CHECK(filling.BytesAnItem() <= kMostBytes);
    filling.Time("a rerun in which every item stands", [&] { filling.Rerun(); });
    CHECK(filling.BytesAnItem() <= kMostBytes);
    filling.Time("the summary for a report", [&] { filling.Summarize(); });
    filling.Time("opening, with every checksum", [&] { filling.Open(); });
  }
  std::filesystem::remove_all(folder);
}
