// Broker: what the queue has decided becomes messages and requests to the state.
#include <type_traits>
#include <utility>

#include "broker/broker.h"
#include "broker/report.h"

namespace millrace {
namespace {

// Of workers whose incarnation is ended; a peer may do as badly, and say HELLO again, for ever.
constexpr std::uint64_t kEndings = 100;

}  // namespace

void Broker::SendJobMessage(const SendJobs& send) {
  wire::JobMessage message{{epoch_, send.worker}, {}, {}};
  for (const JobId id : send.jobs) {
    const QueuedJob* job = queue_.FindJob(id);
    if (job == nullptr) continue;
    const wire::RunSpec& run = runs_.at(job->run).spec;
    bool known = false;
    for (const wire::RunSpec& listed : message.runs) known = known || listed.run == run.run;
    if (!known) message.runs.push_back(run);
    message.jobs.push_back({{job->id, job->delivery},
                            job->run,
                            job->key,
                            job->cursor,
                            job->meta,
                            job->marks.attempts,
                            job->marks.alone,
                            job->payload});
  }
  if (!message.jobs.empty()) {
    ports_.SendToFeed(send.worker, std::move(message));
  }
}

void Broker::Send(const SendConfirm& confirm) {
  ports_.SendToFeed(confirm.worker,
                    wire::Confirm{{epoch_, confirm.worker}, confirm.accepted, confirm.stale});
}

void Broker::TakeRemark(RunId run, const ScanRecorded& recorded) {
  const auto found = runs_.find(run);
  if (found == runs_.end()) return;
  std::string& remark = found->second.remark;
  const std::string before = std::exchange(remark, "");
  if (!recorded.nothing_counts) return;
  std::vector<std::string> stages;
  for (const StageConfig& stage : topology_.stages) stages.push_back(stage.name);
  remark = NothingResumedText(*recorded.nothing_counts, stages, found->second.order.input);
  if (remark != before) log_->info("run {}: {}", run.value(), remark);
}

void Broker::CarryOut(std::vector<Action> actions) {
  for (Action& action : actions) {
    std::visit(
        [&](auto& what) {
          using What = std::decay_t<decltype(what)>;
          if constexpr (std::is_same_v<What, SendJobs>) {
            SendJobMessage(what);
          } else if constexpr (std::is_same_v<What, SendRevoke>) {
            ports_.SendToFeed(what.worker,
                              wire::Revoke{{epoch_, what.worker}, std::move(what.leases)});
          } else if constexpr (std::is_same_v<What, SendConfirm>) {
            held_confirms_.push_back({last_posted_, std::move(what)});
          } else if constexpr (std::is_same_v<What, EndIncarnation>) {
            WarnRepeated(
                "ending incarnation",
                "ending incarnation " + std::to_string(what.worker.value()) + ": " + what.reason,
                kEndings);
            EndIncarnationNow(what.worker);
          } else if constexpr (std::is_same_v<What, ItemEnded>) {
            Done done = TellEnded(what);
            Post(std::move(what), std::move(done));
          } else if constexpr (std::is_same_v<What, ItemMarked>) {
            Post(std::move(what));
          } else if constexpr (std::is_same_v<What, RecordScan>) {
            Done done = RecordScanned(what);
            Post(std::move(what), std::move(done));
          } else if constexpr (std::is_same_v<What, RunEnded>) {
            OnRunEnded(what.run);
          } else {
            log_->warn("{}", what.text);
          }
        },
        action);
  }
}

Broker::Done Broker::TellEnded(const ItemEnded& ended) {
  const auto found = runs_.find(ended.run);
  const bool told =
      found != runs_.end() && found->second.ended && ended.outcome != ItemOutcome::kSkipped;
  if (!told) return nullptr;
  wire::EndedItem item{ended.key, ended.code, ended.text, ""};
  if (!ended.records.empty()) item.record = ended.records.back().line;
  return [this, run = ended.run, item = std::move(item)](const Result<StateAnswer>& answer) {
    const auto still = runs_.find(run);
    if (answer && still != runs_.end() && still->second.ended) still->second.ended->Add(item);
  };
}

Broker::Done Broker::RecordScanned(const RecordScan& scan) {
  const auto found = runs_.find(scan.run);
  std::vector<wire::EndedItem> failed;  // by the scan itself: an empty file
  if (found != runs_.end() && found->second.ended) {
    for (const wire::FoundItem& item : scan.found) {
      const auto* fail = std::get_if<wire::FoundItem::Fail>(&item.what);
      if (fail != nullptr) failed.push_back({item.key, fail->code, fail->text, ""});
    }
  }
  return [this, run = scan.run, failed = std::move(failed)](Result<StateAnswer> answer) {
    if (!answer) return;
    auto& recorded = std::get<ScanRecorded>(*answer);
    TakeRemark(run, recorded);
    queue_.ScanRecorded(run, std::move(recorded), clock_.Now());
    const auto still = runs_.find(run);
    if (still == runs_.end() || !still->second.ended) return;
    for (const wire::EndedItem& item : failed) still->second.ended->Add(item);
  };
}

}  // namespace millrace
