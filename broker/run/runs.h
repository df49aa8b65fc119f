// All runs: carries out what their lives (run_lifecycle.h) decide, with the queue, the state and
// the folders; answers what is asked about them.
#pragma once

#include <spdlog/logger.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "broker/durability.h"
#include "broker/ended_items.h"
#include "broker/env.h"
#include "broker/job_queue.h"
#include "broker/report.h"
#include "broker/run/folder_requests.h"
#include "broker/run/run_lifecycle.h"
#include "broker/state/requests.h"
#include "broker/state/state.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/config/topology.h"
#include "common/wire/messages.h"

namespace millrace {

// Who asked, and the number of the request.
struct Asker {
  std::string identity;
  std::uint64_t number = 0;
};
// What a request is answered with; nothing: later.
using Answer = std::optional<wire::ControlReply>;

class Runs {
 public:
  struct Parts {
    const Topology& topology;
    const Clock& clock;
    BrokerEnv& env;
    JobQueue& queue;
    Durability& durability;
    const Recipes& recipes;
    std::shared_ptr<spdlog::logger> log;
    // Takes a request again that had to wait.
    std::function<void(const Asker&, wire::ControlRequest)> again;
  };
  explicit Runs(Parts parts) : p_(std::move(parts)), folders_(p_.env) {}

  // --- at the start
  // What earlier brokers left. `hold`: a run that was under way waits until its order comes again.
  void Restore(RunRow row, bool hold);
  // Requests can be posted.
  void Start();

  // --- requests
  Answer Submit(const wire::Submit& submit, const Asker& asker);
  Answer Retry(const wire::RetryRequest& retry, std::optional<StageIndex> stage,
               const Asker& asker);
  Answer Pause(const wire::PauseRequest& pause, const Asker& asker);
  Answer Resume(const wire::ResumeRequest& resume, const Asker& asker);
  Answer Cancel(const wire::CancelRequest& cancel, const Asker& asker);
  Answer Wait(const wire::WaitRequest& wait, const Asker& asker);
  Answer Ended(const wire::EndedRequest& ended);
  Answer Failures(const wire::FailuresRequest& failures, const Asker& asker);
  // Of one run, or of all where `run` is invalid.
  [[nodiscard]] std::vector<wire::RunStatus> Statuses(RunId run) const;

  // --- what the queue has decided
  void OnScanFound(ScanFound found);
  void OnItemEnded(ItemEnded ended);
  void OnRunStops(RunId run);
  void OnStageFailed(const std::string& reason);
  void OnRunEnded(RunId run);
  // Of a run that the queue has.
  [[nodiscard]] const wire::RunSpec& SpecOf(RunId run) const { return runs_.at(run)->spec; }

  // --- the broker
  void OnFolders() { folders_.OnAnswers(); }
  // A worker told a recipe that none of the stage had told before.
  void OnRecipe(StageIndex stage, const std::string& recipe);
  // A run whose outputs are made by the recipes that are known; invalid: none.
  [[nodiscard]] RunId UserOfRecipes() const;
  // It stops: runs end with their reports. It leaves: they are the next broker's.
  void Stop(const std::string& why);
  void Leave();
  // Before each turn's end: what the stages had done when a run's first item was found.
  void TakeBaselines();
  // Nothing that a broker that leaves has to wait for.
  [[nodiscard]] bool AllAtRest() const;

  // For audits: the lives of all runs that have a number.
  void ForEachLife(const std::function<void(const RunLifecycle&)>& visit) const;

 private:
  // What makes the state open a run.
  using Opener = std::variant<OpenRun, RetryRun>;
  // A request that waits.
  struct Waiting {
    Asker asker;
    wire::ControlRequest request;
  };
  struct LiveRun {
    explicit LiveRun(RunLifecycle of) : life(std::move(of)) {}

    RunLifecycle life;
    std::optional<Opener> opener;  // of one that is not recorded
    wire::RunSpec spec;
    RunOrder order;
    std::set<std::string> copies;   // places where a copy of its folder is
    std::optional<RetryRun> retry;  // what made it go on, where that was a retry
    std::vector<Waiting> for_open;
    std::vector<Waiting> for_end;
    std::vector<Asker> waiters;        // of WaitRequests
    Error refusal;                     // why it did not open
    RunStart start;                    // loaded, and not yet in the queue
    std::optional<Run> counted;        // as the queue had it, until it is closed
    std::uint64_t phase_recorded = 0;  // the request to the state that did it last
    Instant submitted;
    std::string remark;           // as RunStatus::remark
    wire::RunStatus last_status;  // of one that the queue does not know
    std::optional<std::vector<JobQueue::StageTotals>> baseline;  // when its first item was found
    std::optional<EndedItems> ended;                             // where somebody wants to be told
    std::optional<wire::RunStatus> final_status;                 // set when it has ended
  };
  using RunPtr = std::shared_ptr<LiveRun>;

  [[nodiscard]] life::Conditions Conditions() const;
  [[nodiscard]] bool RecipesKnown() const;
  // The run of the output that is not over; nullptr where there is none.
  RunPtr LiveInto(const std::string& output);
  [[nodiscard]] RunPtr Find(RunId run) const;
  [[nodiscard]] std::vector<RunPtr> All() const;

  Answer Open(Opener opener, const Asker& asker, wire::ControlRequest request);
  Answer Ask(const RunPtr& run, life::Event event, const Asker& asker, wire::ControlRequest request,
             life::End end = {});
  void Happened(const RunPtr& run, life::Event event, life::End end = {});
  void Apply(const RunPtr& run, const std::vector<life::Effect>& effects);
  void Apply(const RunPtr& run, life::Effect effect);

  void HoldFolder(const RunPtr& run);
  void FindCopies(const RunPtr& run);
  void OnFolderRefused(const RunPtr& run, const Error& error);
  void OpenInState(const RunPtr& run);
  void OnOpened(const RunPtr& run, const RunOpened& opened);
  void Load(const RunPtr& run);
  void Close(const RunPtr& run);
  void OnClosed(const RunPtr& run, wire::RunStatus status);
  void AnswerOpened(const RunPtr& run);
  void RefuseOpened(const RunPtr& run);
  void Forget(const RunPtr& run);
  void TellEnded(const RunPtr& run);
  void ForgetOldRuns();
  void RecordVerified(const RunPtr& run, RecordScan scan, Durability::Done done);
  void TakeRemark(LiveRun& run, const ScanRecorded& recorded);
  void KeepStatus(LiveRun& run);
  [[nodiscard]] wire::RunStatus StatusOf(const LiveRun& run) const;
  [[nodiscard]] RunReport ReportOf(const LiveRun& run, const Run& counted) const;

  Parts p_;
  FolderRequests folders_;
  std::map<std::string, RunPtr> opening_;  // not recorded yet, by output
  std::map<RunId, RunPtr> runs_;
  bool shutting_down_ = false;
};

}  // namespace millrace
