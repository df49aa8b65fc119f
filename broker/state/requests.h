// What the broker asks of its state, as messages: to the thread that owns it (state_thread.h), or
// to a simulated disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "broker/records.h"
#include "broker/report.h"
#include "broker/state/state.h"
#include "common/base/result.h"

namespace millrace {

struct OpenRun {
  RunOrder order;
  std::int64_t now_s = 0;
};
struct RetryRun {
  std::string output;
  std::string folder;
  std::optional<std::int64_t> stage;
  std::string code;
};
struct StartRun {
  RunId run;
  Recipes recipes;
  LoadMode how = LoadMode::kSubmitted;
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
// Writes the files of OUTPUT/.millrace, and then the run's phase: kDone, or kStopped where items
// are left.
struct CloseRun {
  RunReport report;
  bool prune = false;               // outputs of inputs that are gone are removed
  std::vector<std::string> forget;  // keys of those that are wholly gone; found while closing
  std::int64_t now_s = 0;
  std::optional<Error> no_folder;  // why no file is to be written there
};
struct BackUp {
  std::string path;
};
// State::Forget.
struct ForgetRuns {
  std::int64_t runs = 0;
  std::int64_t before_s = 0;
};

using StateRequest = std::variant<OpenRun, RetryRun, StartRun, SetRecipe, SetPhase, RecordScan,
                                  ItemEnded, ItemMarked, ForgetRuns, CloseRun, BackUp>;
// Nothing where there is nothing to say but that it is done.
using StateAnswer =
    std::variant<std::monostate, RunOpened, RunStart, ScanRecorded, wire::RunStatus>;

struct StateAnswered {
  std::uint64_t number = 0;    // of the request
  Result<StateAnswer> answer;  // an error here is a refusal: the state goes on
};
struct StateProgress {
  std::vector<StateAnswered> answers;  // in order
  std::uint64_t durable = 0;           // every request up to this one is on disk
  std::optional<Error> broken;         // nothing after `durable` is, and nothing ever will be
};

// Whether it is to be carried out between two transactions: what it tells the world must be on
// disk.
bool StandsAlone(const StateRequest& request);

// Carries out one that does not stand alone, within the transaction that is open.
Result<StateAnswer> Execute(State& state, const StateRequest& request);

// Whether the error is the asker's, and not the disk's: the state itself is as it was.
bool IsRefusal(const Error& error);

}  // namespace millrace
