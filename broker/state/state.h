// The durable state: runs, and what became of every item, in one SQLite file.
//
// Items are kept by (input root, output root, path), not by run: a later run over the same roots
// takes over what has not changed. OUTPUT is known by its id, wherever it lies. A row carries the
// generation of the walk that named it last; a run is the rows of its generation. What a walk
// leaves out, excluded or not named at all, keeps its outcome for the next that does not.
//
// Synchronous and single-threaded: whoever owns it calls Begin, then any of the operations, then
// Commit, and tells the world only after that. In a broker that is StateThread. An operation that
// fails leaves the transaction open: Rollback, and take no more work. No clock: times are given.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/records.h"
#include "broker/state/item_row.h"
#include "broker/state/redone.h"
#include "broker/state/run_row.h"
#include "common/base/result.h"

namespace millrace {

class Query;
struct RootRow;

// A failure that says something of the machine and not of the item: tried again by the next run.
bool IsEnvironmentFailure(std::string_view code);

class State {
 public:
  // `database`: opened and migrated (open_state.h). Stages: how many the topology has.
  State(std::shared_ptr<SQLite::Database> database, std::size_t stages);
  ~State();

  Result<void> Begin();
  Result<void> Commit();
  void Rollback();  // also forgets what was cached
  [[nodiscard]] bool in_transaction() const { return in_transaction_; }

  // --- runs
  // The paths, beside `output`, at which runs have written to the folder of this id: where one is
  // still there, it is a copy. The state looks at no folder itself: it may hang.
  Result<std::vector<std::string>> PlacesOf(const std::string& folder, const std::string& output);
  // A new run; or the latest of its roots where that has not ended, has the same order, and the
  // order is not for a fresh one.
  // `copies`: of PlacesOf the order's folder, where a copy of it is.
  Result<RunOpened> Open(const RunOrder& order, std::int64_t now_s,
                         const std::set<std::string>& copies = {});
  // The latest run into `output`, the folder of this id, goes on with those of its failed items
  // that match; "": any. kNotFound where there is no run, or no such item.
  Result<RunOpened> Retry(const std::string& output, const std::string& folder,
                          std::optional<std::int64_t> stage, const std::string& code,
                          const std::set<std::string>& copies = {});
  // The latest `most` runs, and all that have not ended, by id.
  Result<std::vector<RunRow>> Latest(std::int64_t most);
  Result<std::optional<RunRow>> Find(RunId run);
  // From where the run goes on. Where a recipe has changed since, its walk begins anew.
  Result<RunStart> Start(RunId run, const Recipes& recipes, LoadMode how,
                         const std::set<std::string>& copies = {});
  // The recipe of a stage that no worker had told yet; one that is known stays.
  Result<void> SetRecipe(RunId run, std::int64_t stage, const std::string& recipe);
  Result<void> SetPhase(RunId run, StoredPhase phase);
  // It has ended: kDone, or kStopped where the same order is to go on with it.
  Result<void> Close(RunId run, StoredPhase phase, const wire::RunStatus& status,
                     std::int64_t now_s);
  // Forgets the ended runs beyond the newest `runs` and those that ended before `before_s`, and the
  // items that no remaining run has named though one of them has walked the whole; all of a root
  // that has no run any more. 0: no such limit. Roots with a run under way are left
  // alone: it may be about to take them over.
  Result<void> Forget(std::int64_t runs, std::int64_t before_s);

  // --- items
  // What earlier runs have recorded as the outputs of these items.
  Result<std::vector<wire::OutputFile>> OutputsOf(RunId run, const std::vector<std::string>& keys);
  // A chunk of the walk. Decides for each item whether an earlier outcome stands.
  Result<ScanRecorded> RecordScan(const RecordScan& scan);
  // kInternal where the item is not open: an outcome would be recorded twice.
  Result<void> EndItem(const ItemEnded& ended);
  Result<void> Mark(const ItemMarked& marked);

  // --- looking
  Result<RunSummary> Summarize(RunId run);
  Result<std::vector<std::string>> RecordNames(RunId run);
  // The next page behind the key `after`, in the order of keys; "": from the first on.
  template <typename Row>
  struct Page {
    std::vector<Row> rows;
    std::string last;  // key
    bool more = false;
  };
  static constexpr std::size_t kPageRows = 1000;
  static constexpr std::size_t kPageBytes = 256 * 1024;
  Result<Page<ListedItem>> Failures(RunId run, const std::string& after);
  Result<Page<std::string>> Records(RunId run, const std::string& name, const std::string& after);
  // Items of earlier runs that a whole walk has not named. None where the run's scan has not ended,
  // or could not see everything; none either of what lies in a folder that it has passed over.
  Result<Page<ListedItem>> Deleted(RunId run, const std::string& after);
  // Forgets these of them.
  Result<void> Remove(RunId run, const std::vector<std::string>& keys);

  // A consistent copy at `path`, which must not exist. Outside a transaction.
  Result<void> BackUp(const std::string& path);

  // Rows whose checksum does not match, seen and left out since this object was made.
  [[nodiscard]] std::int64_t damaged_rows() const { return damaged_rows_; }

 private:
  class Statements;

  // Runs of another INPUT into the same OUTPUT, or into a copy of it that is still in its place.
  struct OtherRoot {
    std::int64_t root = 0;
    bool is_copy = false;
  };

  // What operations on items need of their run.
  struct RunContext {
    RunRow row;
    Redone redone;  // of `row`
    std::vector<OtherRoot> others;
    Recipes recipes;
    const std::set<std::string>* lost_outputs = nullptr;  // of the chunk that is being recorded
    std::vector<std::int64_t> recipe_ids;  // of the stages up to each; 0 where not all are known
  };

  Result<RunContext*> Context(RunId run);
  void LoadRecipes(RunContext& context);
  std::int64_t RecipeId(const Recipes& recipes, std::size_t stage);
  std::int64_t NextGeneration();
  std::int64_t RootOf(const RunOrder& order, const std::set<std::string>& copies);
  // Those into the folder of this id; none where that is "".
  std::vector<RootRow> RootsOfFolder(const std::string& folder);
  // Whether the one writes, or has written, into the folder of the other, wherever it was then.
  static bool IsIntoTheSame(const RunOrder& known, const RunOrder& order,
                            const std::set<std::string>& copies);
  std::optional<RunRow> LatestInto(const std::string& output, const std::string& folder,
                                   const std::set<std::string>& copies);
  std::vector<OtherRoot> OthersInto(const RunRow& run);
  bool HasItems(const RunRow& run);
  // The outcome that a run of another root has recorded, where it stands; its root is then ours.
  std::optional<ItemRow> TakeFromOthers(RunContext& context, const std::string& key,
                                        const std::string& meta);
  void DropFromOthers(const RunContext& context, const std::string& key);
  void Drop(std::int64_t root, const std::string& key);
  // That this one does not stand.
  void NoteRedone(RunContext& context, const ItemRow& row, const std::string& meta);
  // Nothing where something counts, or nothing was there before, or it is too soon to tell.
  std::optional<NothingCounts> WhyNothingCounts(const RunContext& context, bool first_chunk);
  void FindOtherStages(const RunContext& context, NothingCounts& nothing);
  bool NewFolderAtItsPath(const RunRow& run, NothingCounts& nothing);
  bool HadItemsBefore(const RunRow& run);
  bool AnyResultBefore(const RunContext& context);
  static void Name(const RunRow& run, NothingCounts& nothing);
  std::optional<RunRow> ReadRun(RunId run);
  std::optional<RunRow> LatestOfRoot(std::int64_t root);
  void WriteRun(const RunRow& row);
  RunStart CollectStart(RunContext& context, LoadMode how);
  void Supersede(const RunOrder& order, RunId by, const std::set<std::string>& copies);

  std::optional<ItemRow> ReadItem(std::int64_t root, std::string_view key);
  void WriteItem(const ItemRow& row);
  std::set<std::string>& NamesOfRecords(std::int64_t root);
  void WriteRecords(const ItemRow& row, const std::vector<ItemRecord>& records);
  void ForEachItem(std::int64_t root, const std::function<void(ItemRow&)>& visit);
  // Every sound row that the query gives, until one cannot be visited.
  Result<void> VisitRows(Query& query, const std::function<Result<void>(ItemRow&)>& visit);
  void RecordFound(RunContext& context, const wire::FoundItem& found, ScanRecorded& recorded);
  [[nodiscard]] bool Stands(const RunContext& context, const ItemRow& row,
                            const std::string& meta) const;
  [[nodiscard]] static bool OutputsStand(const RunContext& context, const ItemRow& row);
  Result<Page<ListedItem>> ReadItems(Query& query, const std::function<bool(ItemRow&)>& is_listed);
  bool DeletionsKnown(const RunRow& row);
  // Whether a whole walk, that of the run, would have named it if it were still there.
  bool IsGone(const RunRow& run, const ItemRow& row);
  // Whether a folder above it was named by this walk, and not entered.
  bool IsPassedOver(std::int64_t root, std::int64_t generation, std::string_view key);
  void ForgetUnnamed();

  std::shared_ptr<SQLite::Database> database_;
  const std::size_t stages_;
  std::unique_ptr<Statements> statements_;
  std::map<RunId, RunContext> contexts_;
  std::map<RunId, std::set<std::string>> copies_;  // of the folders of runs that live: their paths
  std::map<std::int64_t, std::set<std::string>> record_names_;  // by root
  bool in_transaction_ = false;
  std::int64_t damaged_rows_ = 0;
};

}  // namespace millrace
