// Broker: what the queue has decided becomes messages and requests to the state.
#include <type_traits>
#include <utility>

#include "broker/broker.h"

namespace millrace {

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
            log_->warn("ending incarnation {}: {}", what.worker.value(), what.reason);
            EndIncarnationNow(what.worker);
          } else if constexpr (std::is_same_v<What, ItemEnded> ||
                               std::is_same_v<What, ItemMarked>) {
            Post(std::move(what));
          } else if constexpr (std::is_same_v<What, RecordScan>) {
            const RunId run = what.run;
            Post(std::move(what), [this, run](Result<StateAnswer> answer) {
              if (!answer) return;
              queue_.ScanRecorded(run, std::get<ScanRecorded>(std::move(*answer)), clock_.Now());
            });
          } else if constexpr (std::is_same_v<What, RunEnded>) {
            OnRunEnded(what.run);
          } else {
            log_->warn("{}", what.text);
          }
        },
        action);
  }
}

}  // namespace millrace
