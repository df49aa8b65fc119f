// What the broker asks of its state, as messages: to the thread that owns it (state_thread.h), or
// to a simulated disk.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "broker/records.h"
#include "broker/state/state.h"
#include "common/base/result.h"

namespace millrace {

// Where else the folder of this id has been: a run that opens has to know which of those places
// hold a copy of it.
struct FindPlaces {
  std::string folder;
  std::string output;  // not this one
};
// `copies`: of those places, where a folder of this id still is.
struct OpenRun {
  RunOrder order;
  std::int64_t now_s = 0;
  std::set<std::string> copies;
};
struct RetryRun {
  std::string output;
  std::string folder;
  std::optional<std::int64_t> stage;
  std::string code;
  std::set<std::string> copies;
};
struct StartRun {
  RunId run;
  Recipes recipes;
  LoadMode how = LoadMode::kSubmitted;
  std::set<std::string> copies;
};
// The outputs that earlier runs have recorded for these items.
struct FindOutputs {
  RunId run;
  std::vector<std::string> keys;
};
struct SetRecipe {
  RunId run;
  std::int64_t stage = 0;
  std::string recipe;
};
struct SetPhase {
  RunId run;
  StoredPhase phase = StoredPhase::kActive;
};
// What became of a run's items, and which records they have.
struct SummarizeRun {
  RunId run;
};
// A page of one of its lists.
struct ReadReport {
  enum class List : std::uint8_t { kFailed, kDeleted, kRecords };
  RunId run;
  List list = List::kFailed;
  std::string name;   // of records
  std::string after;  // the last key of the page before; "": the first page
};
// It has ended, and its files are written: kDone, or kStopped where the same order is to go on with
// it.
struct CloseRun {
  RunId run;
  StoredPhase phase = StoredPhase::kDone;
  wire::RunStatus status;
  std::vector<std::string> forget;  // keys of items that are wholly gone
  std::int64_t now_s = 0;
};
struct BackUp {
  std::string path;
};
// State::Forget.
struct ForgetRuns {
  std::int64_t runs = 0;
  std::int64_t before_s = 0;
};

using StateRequest = std::variant<FindPlaces, OpenRun, RetryRun, StartRun, SetRecipe, SetPhase,
                                  FindOutputs, RecordScan, ItemEnded, ItemMarked, SummarizeRun,
                                  ReadReport, CloseRun, ForgetRuns, BackUp>;

struct FoundPlaces {
  std::vector<std::string> places;
};
struct FoundOutputs {
  std::vector<wire::OutputFile> files;
};
struct RunListing {
  RunSummary summary;
  std::vector<std::string> record_names;
};
struct ReportPage {
  std::vector<ListedItem> items;   // of kFailed and kDeleted
  std::vector<std::string> lines;  // of kRecords
  std::string last;                // key
  bool more = false;
};
// Nothing where there is nothing to say but that it is done.
using StateAnswer = std::variant<std::monostate, FoundPlaces, RunOpened, RunStart, FoundOutputs,
                                 ScanRecorded, RunListing, ReportPage>;

struct StateAnswered {
  std::uint64_t number = 0;    // of the request
  Result<StateAnswer> answer;  // an error here is a refusal: the state goes on
};
struct StateProgress {
  std::vector<StateAnswered> answers;  // in order
  std::uint64_t durable = 0;           // every request up to this one is on disk
  std::optional<Error> broken;         // nothing after `durable` is, and nothing ever will be
};

// Whether it is to be carried out between two transactions.
bool StandsAlone(const StateRequest& request);
// Whether it changes nothing, and so needs no commit of its own.
bool OnlyReads(const StateRequest& request);

Result<StateAnswer> Execute(State& state, const StateRequest& request);

// Whether the error is the asker's, and not the disk's: the state itself is as it was.
bool IsRefusal(const Error& error);

}  // namespace millrace
