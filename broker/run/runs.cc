#include "broker/run/runs.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "broker/refusal.h"
#include "broker/run/report_writer.h"
#include "common/base/check.h"
#include "common/base/path_below.h"
#include "common/payload/meta.h"

namespace millrace {
namespace {

constexpr std::size_t kMaxEndedRuns = 1000;  // whose status is kept at hand

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

Error NoRun(RunId run) { return {ErrorCode::kNotFound, "no run " + std::to_string(run.value())}; }

bool AskTheSame(const RetryRun& one, const RetryRun& other) {
  return one.output == other.output && one.stage == other.stage && one.code == other.code;
}

const std::string& OutputOf(const OpenRun& open) { return open.order.output; }
const std::string& OutputOf(const RetryRun& retry) { return retry.output; }

// Those who wait for a run to open are told its number, or that what they asked for is done.
wire::ControlReply OpenedReply(const wire::ControlRequest& request, RunId run) {
  if (std::holds_alternative<wire::Submit>(request) ||
      std::holds_alternative<wire::RetryRequest>(request)) {
    return wire::Submitted{run};
  }
  return wire::OkReply{};
}

}  // namespace

// --- at the start

void Runs::Restore(RunRow row, bool hold) {
  const bool over = row.phase == StoredPhase::kDone || row.phase == StoredPhase::kStopped;
  if (row.phase == StoredPhase::kActive && hold)
    return;  // its order, submitted again, continues it
  const bool paused = row.phase == StoredPhase::kPaused;
  auto run = std::make_shared<LiveRun>(over ? RunLifecycle::Over(row.id)
                                            : RunLifecycle::Restored(row.id, paused));
  run->order = row.order;
  run->spec = {row.id, row.order.input, row.order.output, row.order.options};
  run->submitted = p_.clock.Now();
  run->last_status = {.run = row.id, .input = row.order.input, .output = row.order.output};
  if (over) {
    run->final_status = DecodeStatus(row.final_status);
    if (!run->final_status) return;
  } else {
    p_.log->info("run {} of an earlier broker {}: {} to {}", row.id.value(),
                 paused ? "is paused" : "continues", row.order.input, row.order.output);
  }
  runs_.emplace(row.id, std::move(run));
}

void Runs::Start() {
  for (const RunPtr& run : All()) {
    if (run->life.state() == life::State::kOpening) Apply(run, life::Effect::kHoldFolder);
  }
  ForgetOldRuns();
}

// --- requests

Answer Runs::Submit(const wire::Submit& submit, const Asker& asker) {
  if (Result<void> may = RunLifecycle::MayOpen(Conditions()); !may) return Refusal(may.error());
  if (!IsAbsolutePath(submit.input) || !IsAbsolutePath(submit.output)) {
    return Refusal(ErrorCode::kUsage, "input and output must be absolute paths without NUL");
  }
  if (Result<Meta> options = Meta::Decode(submit.options); !options) {
    return Refusal(options.error().WithContext("the run's options"));
  }
  const RunOrder order{.input = submit.input,
                       .output = submit.output,
                       .options = submit.options,
                       .stop_at_failures = submit.stop_at_failures,
                       .stop_at_share = submit.stop_at_share,
                       .fresh = submit.fresh,
                       .verify_outputs = submit.verify_outputs,
                       .prune = submit.prune};
  const RunPtr live = LiveInto(submit.output);
  if (live == nullptr) return Open(OpenRun{order, p_.env.UnixSeconds()}, asker, submit);
  const bool retries = live->opener && std::holds_alternative<RetryRun>(*live->opener);
  if (retries || !live->order.SameWork(order)) {
    return Refusal(live->life.RefuseOther(submit.output, Conditions()));
  }
  return Ask(live, life::Event::kSubmit, asker, submit);
}

Answer Runs::Retry(const wire::RetryRequest& retry, std::optional<StageIndex> stage,
                   const Asker& asker) {
  if (Result<void> may = RunLifecycle::MayOpen(Conditions()); !may) return Refusal(may.error());
  if (!IsAbsolutePath(retry.output)) {
    return Refusal(ErrorCode::kUsage, "output must be an absolute path without NUL");
  }
  RetryRun wanted{retry.output, "", std::nullopt, retry.code};
  if (stage) wanted.stage = static_cast<std::int64_t>(*stage);
  const RunPtr live = LiveInto(retry.output);
  if (live == nullptr) return Open(std::move(wanted), asker, retry);
  if (!live->retry || !AskTheSame(*live->retry, wanted)) {
    return Refusal(live->life.RefuseOther(retry.output, Conditions()));
  }
  return Ask(live, life::Event::kRetry, asker, retry);
}

Answer Runs::Open(Opener opener, const Asker& asker, wire::ControlRequest request) {
  const auto* retry = std::get_if<RetryRun>(&opener);
  auto run = std::make_shared<LiveRun>(
      RunLifecycle::New(retry != nullptr ? LoadMode::kRetried : LoadMode::kSubmitted));
  if (retry != nullptr) run->retry = *retry;
  if (const auto* open = std::get_if<OpenRun>(&opener)) run->order = open->order;
  run->order.output = std::visit([](const auto& what) { return OutputOf(what); }, opener);
  run->opener = std::move(opener);
  run->for_open.push_back({asker, std::move(request)});
  opening_[run->order.output] = run;
  Apply(run, life::Effect::kHoldFolder);
  return std::nullopt;
}

Answer Runs::Pause(const wire::PauseRequest& pause, const Asker& asker) {
  const RunPtr run = Find(pause.run);
  if (run == nullptr) {
    return Refusal(ErrorCode::kNotFound,
                   "no run " + std::to_string(pause.run.value()) + " is under way");
  }
  return Ask(run, life::Event::kPause, asker, pause);
}

Answer Runs::Resume(const wire::ResumeRequest& resume, const Asker& asker) {
  const RunPtr run = Find(resume.run);
  if (run == nullptr) {
    return Refusal(ErrorCode::kNotFound,
                   "no run " + std::to_string(resume.run.value()) + " is under way or paused");
  }
  return Ask(run, life::Event::kResume, asker, resume);
}

Answer Runs::Cancel(const wire::CancelRequest& cancel, const Asker& asker) {
  const RunPtr run = Find(cancel.run);
  if (run == nullptr) return Refusal(NoRun(cancel.run));
  return Ask(run, life::Event::kCancel, asker, cancel,
             {RunResult::kStopped, cancel.reason.empty() ? "cancelled" : cancel.reason});
}

Answer Runs::Wait(const wire::WaitRequest& wait, const Asker& asker) {
  const RunPtr run = Find(wait.run);
  if (run == nullptr) return Refusal(NoRun(wait.run));
  if (run->final_status) return wire::StatusReply{{*run->final_status}, {}, ""};
  run->waiters.push_back(asker);
  return std::nullopt;
}

Answer Runs::Ended(const wire::EndedRequest& request) {
  const RunPtr run = Find(request.run);
  if (run == nullptr) return Refusal(NoRun(request.run));
  if (run->final_status) return wire::EndedReply{{}, request.from};  // its files tell
  if (!run->ended) run->ended.emplace();
  return run->ended->PageFrom(request.from);
}

Answer Runs::Failures(const wire::FailuresRequest& request, const Asker& asker) {
  const RunPtr run = Find(request.run);
  if (run == nullptr) return Refusal(NoRun(request.run));
  if (!run->final_status) {
    return Refusal(ErrorCode::kUnavailable, "the run has not ended: its failures are not sorted");
  }
  folders_.Post(run->spec.output, ReadFailures{request.offset},
                [this, asker](Result<FolderAnswer> answer) {
                  wire::ControlReply reply;
                  if (answer) {
                    auto& page = std::get<FailurePage>(*answer);
                    reply = wire::FailuresReply{std::move(page.lines), page.more};
                  } else {
                    reply = Refusal(answer.error());
                  }
                  p_.env.Reply(asker.identity, {asker.number, std::move(reply)});
                });
  return std::nullopt;
}

std::vector<wire::RunStatus> Runs::Statuses(RunId wanted) const {
  std::vector<wire::RunStatus> statuses;
  for (const auto& [id, run] : runs_) {
    if (!wanted.valid() || wanted == id) statuses.push_back(StatusOf(*run));
  }
  return statuses;
}

// --- lives

life::Conditions Runs::Conditions() const {
  return {shutting_down_, p_.durability.broken(), RecipesKnown()};
}

bool Runs::RecipesKnown() const {
  return std::all_of(p_.recipes.begin() + 1, p_.recipes.end(),
                     [](const auto& recipe) { return recipe.has_value(); });
}

Runs::RunPtr Runs::LiveInto(const std::string& output) {
  if (const auto found = opening_.find(output); found != opening_.end()) return found->second;
  for (const auto& [id, run] : runs_) {
    if (run->life.state() != life::State::kEnded && run->order.output == output) return run;
  }
  return nullptr;
}

Runs::RunPtr Runs::Find(RunId id) const {
  const auto found = runs_.find(id);
  return found == runs_.end() ? nullptr : found->second;
}

std::vector<Runs::RunPtr> Runs::All() const {
  std::vector<RunPtr> all;
  for (const auto& [output, run] : opening_) all.push_back(run);
  for (const auto& [id, run] : runs_) all.push_back(run);
  return all;
}

void Runs::ForEachLife(const std::function<void(const RunLifecycle&)>& visit) const {
  for (const auto& [id, run] : runs_) visit(run->life);
}

Answer Runs::Ask(const RunPtr& run, life::Event event, const Asker& asker,
                 wire::ControlRequest request, life::End end) {
  Result<life::Step> step = run->life.Request(event, Conditions(), std::move(end));
  if (!step) return Refusal(step.error());
  const wire::ControlReply reply = OpenedReply(request, run->life.run());
  if (step->reply == life::Reply::kWhenOpened) run->for_open.push_back({asker, std::move(request)});
  if (step->reply == life::Reply::kWhenEnded) run->for_end.push_back({asker, std::move(request)});
  Apply(run, step->effects);
  if (step->reply == life::Reply::kNow) return reply;
  if (step->reply == life::Reply::kWhenDurable) {
    p_.durability.Reply(asker.identity, asker.number, reply);
  }
  return std::nullopt;
}

void Runs::Happened(const RunPtr& run, life::Event event, life::End end) {
  Apply(run, run->life.On(event, Conditions(), std::move(end)));
}

void Runs::Apply(const RunPtr& run, const std::vector<life::Effect>& effects) {
  for (const life::Effect effect : effects) Apply(run, effect);
}

void Runs::Apply(const RunPtr& run, life::Effect effect) {
  const RunId id = run->life.run();
  switch (effect) {
    case life::Effect::kHoldFolder:
      return HoldFolder(run);
    case life::Effect::kOpenInState:
      return OpenInState(run);
    case life::Effect::kClearReport:
      return folders_.Post(run->order.output, ClearReport{});
    case life::Effect::kRecordPaused:
      run->phase_recorded = p_.durability.Post(SetPhase{id, StoredPhase::kPaused});
      return;
    case life::Effect::kRecordActive:
      run->phase_recorded = p_.durability.Post(SetPhase{id, StoredPhase::kActive});
      return;
    case life::Effect::kLoad:
      return Load(run);
    case life::Effect::kStartInQueue:
      run->baseline.reset();
      return p_.queue.StartRun(id, {run->order.stop_at_failures, run->order.stop_at_share},
                               std::exchange(run->start, {}), p_.clock.Now());
    case life::Effect::kPauseInQueue:
      return p_.queue.PauseRun(id, p_.clock.Now());
    case life::Effect::kStopInQueue:
      return p_.queue.StopRun(id, run->life.result(), run->life.reason(), p_.clock.Now());
    case life::Effect::kWriteReport:
      return Close(run);
    case life::Effect::kAnswerOpened:
      return AnswerOpened(run);
    case life::Effect::kRefuseOpened:
      return RefuseOpened(run);
    case life::Effect::kTellEnded:
      return TellEnded(run);
    case life::Effect::kForget:
      return Forget(run);
  }
}

// --- opening

void Runs::HoldFolder(const RunPtr& run) {
  millrace::HoldFolder hold;
  if (run->life.run().valid()) {
    hold.id = run->order.folder;
  } else {
    hold.make = std::holds_alternative<OpenRun>(*run->opener);
  }
  folders_.Post(run->order.output, std::move(hold), [this, run](Result<FolderAnswer> answer) {
    if (answer) {
      if (!run->life.run().valid()) run->order.folder = std::get<FolderHeld>(*answer).id;
      return FindCopies(run);
    }
    OnFolderRefused(run, answer.error());
  });
}

// Where the folder has been, and a copy of it is left: what was done there stays done there.
void Runs::FindCopies(const RunPtr& run) {
  p_.durability.Post(
      FindPlaces{run->order.folder, run->order.output}, [this, run](Result<StateAnswer> answer) {
        if (!answer) return OnFolderRefused(run, answer.error());
        std::vector<std::string> places = std::get<FoundPlaces>(std::move(*answer)).places;
        if (places.empty()) return Happened(run, life::Event::kFolderHeld);
        folders_.Post(run->order.output, millrace::FindCopies{std::move(places)},
                      [this, run](Result<FolderAnswer> found) {
                        if (!found) return OnFolderRefused(run, found.error());
                        run->copies = std::get<FoundCopies>(std::move(*found)).places;
                        Happened(run, life::Event::kFolderHeld);
                      });
      });
}

void Runs::OnFolderRefused(const RunPtr& run, const Error& error) {
  run->refusal = error;
  if (run->life.run().valid()) {
    p_.log->error("run {} cannot go on: {}", run->life.run().value(), error.message);
  }
  Happened(run, life::Event::kFolderRefused);
}

void Runs::OpenInState(const RunPtr& run) {
  StateRequest request;
  if (const auto* open = std::get_if<OpenRun>(&*run->opener)) {
    request = OpenRun{run->order, open->now_s, run->copies};
  } else {
    RetryRun retry = std::get<RetryRun>(*run->opener);
    retry.folder = run->order.folder;
    retry.copies = run->copies;
    request = std::move(retry);
  }
  p_.durability.Post(std::move(request), [this, run](Result<StateAnswer> answer) {
    if (answer) return OnOpened(run, std::get<RunOpened>(*answer));
    run->refusal = answer.error();
    Happened(run, life::Event::kOpenRefused);
  });
}

void Runs::OnOpened(const RunPtr& run, const RunOpened& opened) {
  opening_.erase(run->order.output);
  run->opener.reset();
  run->order = opened.order;
  run->spec = {opened.run, opened.order.input, opened.order.output, opened.order.options};
  run->last_status = {.run = opened.run, .input = run->spec.input, .output = run->spec.output};
  run->submitted = p_.clock.Now();
  runs_.insert_or_assign(opened.run, run);
  p_.log->info("run {}{}: {} to {}", opened.run.value(), opened.continued ? " continues" : "",
               opened.order.input, opened.order.output);
  run->life.SetOpened(opened.run, opened.has_history);
  Happened(run, life::Event::kOpened);
}

void Runs::AnswerOpened(const RunPtr& run) {
  for (const Waiting& waiting : std::exchange(run->for_open, {})) {
    p_.durability.ReplyAfter(run->phase_recorded, waiting.asker.identity, waiting.asker.number,
                             OpenedReply(waiting.request, run->life.run()));
  }
}

void Runs::RefuseOpened(const RunPtr& run) {
  Error why = run->refusal;
  if (why.message.empty()) why = RunLifecycle::MayOpen(Conditions()).error();  // it was dropped
  for (const Waiting& waiting : std::exchange(run->for_open, {})) {
    p_.env.Reply(waiting.asker.identity, {waiting.asker.number, Refusal(why)});
  }
}

void Runs::Forget(const RunPtr& run) {
  folders_.Post(run->order.output, ReleaseFolder{});
  if (run->life.run().valid()) {
    runs_.erase(run->life.run());
  } else {
    opening_.erase(run->order.output);
  }
  for (const Asker& waiter : std::exchange(run->waiters, {})) {
    p_.again(waiter, wire::WaitRequest{run->life.run()});
  }
  for (auto* list : {&run->for_open, &run->for_end}) {
    for (Waiting& waiting : std::exchange(*list, {})) {
      p_.again(waiting.asker, std::move(waiting.request));
    }
  }
}

void Runs::Load(const RunPtr& run) {
  const RunId id = run->life.run();
  p_.durability.Post(StartRun{id, p_.recipes, run->life.load_mode(), run->copies},
                     [this, run](Result<StateAnswer> answer) {
                       if (!answer) return;
                       run->start = std::get<RunStart>(std::move(*answer));
                       Happened(run, life::Event::kLoaded);
                     });
}

// --- the queue

void Runs::OnScanFound(ScanFound found) {
  const RunPtr run = runs_.at(found.scan.run);
  std::vector<wire::EndedItem> failed;  // by the scan itself: an empty file
  if (run->ended) {
    for (const wire::FoundItem& item : found.scan.found) {
      const auto* fail = std::get_if<wire::FoundItem::Fail>(&item.what);
      if (fail != nullptr) failed.push_back({item.key, fail->code, fail->text, ""});
    }
  }
  auto done = [this, run, failed = std::move(failed),
               confirm = SendConfirm{found.worker, {found.lease}, {}}](Result<StateAnswer> answer) {
    if (!answer) return;
    p_.durability.Confirm(confirm);
    auto& recorded = std::get<ScanRecorded>(*answer);
    TakeRemark(*run, recorded);
    p_.queue.ScanRecorded(run->life.run(), std::move(recorded), p_.clock.Now());
    if (!run->ended) return;
    for (const wire::EndedItem& item : failed) run->ended->Add(item);
  };
  // In a folder that is a copy, outputs count only if they were copied, too.
  const bool verify = run->order.verify_outputs || !run->copies.empty();
  if (!verify || run->order.fresh) {
    p_.durability.Post(std::move(found.scan), std::move(done));
  } else {
    RecordVerified(run, std::move(found.scan), std::move(done));
  }
}

// What earlier runs have written is looked for by the folder, before the state decides what stands.
void Runs::RecordVerified(const RunPtr& run, RecordScan scan, Durability::Done done) {
  FindOutputs find{scan.run, {}};
  for (const wire::FoundItem& item : scan.found) find.keys.push_back(item.key);
  p_.durability.Post(std::move(find), [this, run, scan = std::move(scan),
                                       done = std::move(done)](Result<StateAnswer> answer) mutable {
    if (!answer) return;
    FindLost find_lost{std::get<FoundOutputs>(std::move(*answer)).files};
    folders_.Post(
        run->order.output, std::move(find_lost),
        [this, scan = std::move(scan), done = std::move(done)](Result<FolderAnswer> found) mutable {
          if (found) scan.lost_outputs = std::get<LostOutputs>(std::move(*found)).stamps;
          p_.durability.Post(std::move(scan), std::move(done));
        });
  });
}

void Runs::TakeRemark(LiveRun& run, const ScanRecorded& recorded) {
  const std::string before = std::exchange(run.remark, "");
  if (!recorded.nothing_counts) return;
  std::vector<std::string> stages;
  for (const StageConfig& stage : p_.topology.stages) stages.push_back(stage.name);
  run.remark = NothingResumedText(*recorded.nothing_counts, stages, run.order.input);
  if (run.remark != before) p_.log->info("run {}: {}", run.life.run().value(), run.remark);
}

void Runs::OnItemEnded(ItemEnded ended) {
  const RunPtr run = runs_.at(ended.run);
  Durability::Done done;
  if (run->ended && ended.outcome != ItemOutcome::kSkipped) {
    wire::EndedItem item{ended.key, ended.code, ended.text, ""};
    if (!ended.records.empty()) item.record = ended.records.back().line;
    done = [run, item = std::move(item)](const Result<StateAnswer>& answer) {
      if (answer && run->ended) run->ended->Add(item);
    };
  }
  p_.durability.Post(std::move(ended), std::move(done));
}

void Runs::OnRunStops(RunId id) { Happened(runs_.at(id), life::Event::kQueueStops); }

void Runs::OnStageFailed(const std::string& reason) {
  for (const RunPtr& run : All()) {
    if (run->life.state() != life::State::kLoading) continue;
    Happened(run, life::Event::kStop, {RunResult::kFailed, reason});
  }
}

void Runs::OnRunEnded(RunId id) {
  const RunPtr run = runs_.at(id);
  Run counted = *p_.queue.FindRun(id);
  KeepStatus(*run);
  p_.queue.DropRun(id);
  if (counted.pausing) {
    p_.log->info("run {} is paused: {}", id.value(), counted.reason);
    return Happened(run, life::Event::kQueuePaused);
  }
  life::End end{counted.result, counted.reason};
  run->counted = std::move(counted);
  Happened(run, life::Event::kQueueEnded, std::move(end));
}

// --- the end

void Runs::Close(const RunPtr& run) {
  const RunId id = run->life.run();
  Run of;
  if (run->counted) {
    of = std::move(*std::exchange(run->counted, std::nullopt));
  } else {  // it ends without the queue
    of.counts = std::move(run->start.counts);
    of.done_at_start = of.counts.ok + of.counts.failed;
    of.scan_complete = run->start.scan_ended;
    run->start = {};
  }
  of.id = id;
  of.result = run->life.result();
  of.reason = run->life.reason();
  ReportWriter::Work work{.report = ReportOf(*run, of), .prune = run->order.prune, .no_folder = {}};
  if (!run->life.has_folder()) work.no_folder = run->refusal;
  std::vector<std::string> stages;
  for (const StageConfig& stage : p_.topology.stages) stages.push_back(stage.name);
  ReportWriter::Write({p_.durability, folders_, p_.env, std::move(stages)}, std::move(work),
                      [this, run](wire::RunStatus status) { OnClosed(run, std::move(status)); });
}

void Runs::OnClosed(const RunPtr& run, wire::RunStatus status) {
  run->final_status = std::move(status);
  run->ended.reset();  // its files tell
  const wire::RunStatus& end = *run->final_status;
  p_.log->info("run {} {}: {} scanned = {} ok + {} failed + {} skipped{}", end.run.value(),
               end.state, end.scanned, end.ok, end.failed, end.skipped,
               end.reason.empty() ? "" : " (" + end.reason + ")");
  Happened(run, life::Event::kClosed);
}

void Runs::TellEnded(const RunPtr& run) {
  folders_.Post(run->order.output, ReleaseFolder{});
  for (const Asker& waiter : std::exchange(run->waiters, {})) {
    p_.env.Reply(waiter.identity, {waiter.number, wire::StatusReply{{*run->final_status}, {}, ""}});
  }
  ForgetOldRuns();
  for (Waiting& waiting : std::exchange(run->for_end, {})) {
    p_.again(waiting.asker, std::move(waiting.request));
  }
  if (runs_.size() <= kMaxEndedRuns) return;
  const auto oldest = std::find_if(runs_.begin(), runs_.end(), [](const auto& entry) {
    return entry.second->life.state() == life::State::kEnded;
  });
  if (oldest != runs_.end()) runs_.erase(oldest);
}

void Runs::ForgetOldRuns() {
  const BrokerConfig& config = p_.topology.broker;
  if (config.keep_runs == 0 && config.keep_for == Duration::zero()) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(config.keep_for).count();
  p_.durability.Post(
      ForgetRuns{config.keep_runs, seconds > 0 ? p_.env.UnixSeconds() - seconds : 0});
}

void Runs::KeepStatus(LiveRun& run) { run.last_status = StatusOf(run); }

wire::RunStatus Runs::StatusOf(const LiveRun& run) const {
  if (run.final_status) return *run.final_status;
  const life::State state = run.life.state();
  const Run* found = p_.queue.FindRun(run.life.run());
  wire::RunStatus status = run.last_status;
  status.remark = run.remark;
  if (found == nullptr) {
    const bool is_paused = state == life::State::kPaused || run.life.at_rest();
    status.state = is_paused                                                          ? "paused"
                   : state == life::State::kOpening || state == life::State::kLoading ? "active"
                                                                                      : "stopping";
    return status;
  }
  status.state = found->phase == RunPhase::kActive ? "active" : "stopping";
  status.scanned = found->counts.scanned;
  status.ok = found->counts.ok;
  status.failed = found->counts.failed;
  status.skipped = found->counts.skipped;
  status.resumed = found->counts.resumed;
  status.scan_complete = found->scan_complete;
  status.elapsed_s = found->first_found ? Seconds(p_.clock.Now() - *found->first_found) : 0;
  status.reason = found->reason;
  return status;
}

RunReport Runs::ReportOf(const LiveRun& run, const Run& counted) const {
  RunReport report;
  report.topology = p_.topology.name;
  report.input = run.spec.input;
  report.output = run.spec.output;
  report.run = counted.id;
  report.result = counted.result;
  report.reason = counted.reason;
  report.counts = counted.counts;
  report.done_at_start = counted.done_at_start;
  report.scan_complete = counted.scan_complete;
  if (counted.first_found) {
    report.startup_s = Seconds(*counted.first_found - run.submitted);
    report.elapsed_s = Seconds(counted.last_ended - *counted.first_found);
  }
  const Instant now = p_.clock.Now();
  for (StageIndex stage = 0; stage < p_.topology.stages.size(); ++stage) {
    StageReport entry;
    entry.name = p_.topology.stages[stage].name;
    for (const auto& [id, worker] : p_.queue.workers()) entry.workers += worker.stage == stage;
    if (run.baseline) {
      const JobQueue::StageTotals totals = p_.queue.Totals(stage, now);
      const double present = Seconds(totals.present - run.baseline->at(stage).present);
      const double busy = Seconds(totals.busy - run.baseline->at(stage).busy);
      entry.busy = present > 0 ? busy / present : 0;
    }
    report.stages.push_back(std::move(entry));
  }
  return report;
}

void Runs::TakeBaselines() {
  const Instant now = p_.clock.Now();
  for (const auto& [id, run] : p_.queue.runs()) {
    if (!run.first_found) continue;
    auto& baseline = runs_.at(id)->baseline;
    if (baseline) continue;
    baseline.emplace();
    for (StageIndex stage = 0; stage < p_.topology.stages.size(); ++stage) {
      baseline->push_back(p_.queue.Totals(stage, now));
    }
  }
}

// --- the broker

void Runs::OnRecipe(StageIndex stage, const std::string& recipe) {
  for (const RunPtr& run : All()) {
    if (run->life.uses_recipes()) {
      p_.durability.Post(SetRecipe{run->life.run(), static_cast<std::int64_t>(stage), recipe});
    } else if (run->life.state() == life::State::kLoading && RecipesKnown()) {
      Happened(run, life::Event::kRecipesKnown);
    }
  }
}

RunId Runs::UserOfRecipes() const {
  for (const auto& [id, run] : runs_) {
    if (run->life.uses_recipes()) return id;
  }
  return {};
}

void Runs::Stop(const std::string& why) {
  shutting_down_ = true;
  for (const RunPtr& run : All()) Happened(run, life::Event::kStop, {RunResult::kStopped, why});
}

void Runs::Leave() {
  shutting_down_ = true;
  for (const RunPtr& run : All()) Happened(run, life::Event::kLeave);
}

bool Runs::AllAtRest() const {
  const std::vector<RunPtr> all = All();
  return std::all_of(all.begin(), all.end(), [](const RunPtr& run) { return run->life.at_rest(); });
}

}  // namespace millrace
