// Broker: what the queue has decided becomes messages and lines of the ledger.
#include <type_traits>
#include <utility>

#include "broker/broker.h"

namespace millrace {

void Broker::SendJobMessage(const SendJobs& send) {
  wire::JobMessage message{{epoch_, send.worker}, {}, {}};
  for (const JobId id : send.jobs) {
    const Job* job = queue_.FindJob(id);
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
                            job->attempt,
                            job->alone,
                            job->payload});
  }
  if (!message.jobs.empty()) {
    feeds_.Send(send.worker, wire::Encode(wire::FeedMessage(std::move(message))));
  }
}

void Broker::CarryOut(std::vector<Action> actions) {
  for (Action& action : actions) {
    std::visit(
        [&](auto& what) {
          using What = std::decay_t<decltype(what)>;
          if constexpr (std::is_same_v<What, SendJobs>) {
            SendJobMessage(what);
          } else if constexpr (std::is_same_v<What, SendRevoke>) {
            feeds_.Send(what.worker, wire::Encode(wire::FeedMessage(wire::Revoke{
                                         {epoch_, what.worker}, std::move(what.leases)})));
          } else if constexpr (std::is_same_v<What, SendConfirm>) {
            feeds_.Send(
                what.worker,
                wire::Encode(wire::FeedMessage(wire::Confirm{
                    {epoch_, what.worker}, std::move(what.accepted), std::move(what.stale)})));
          } else if constexpr (std::is_same_v<What, EndIncarnation>) {
            log_->warn("ending incarnation {}: {}", what.worker.value(), what.reason);
            EndIncarnationNow(what.worker);
          } else if constexpr (std::is_same_v<What, ItemEnded>) {
            Record(what.run,
                   runs_.at(what.run).ledger->Add(what, queue_.settings()[what.stage].name));
          } else if constexpr (std::is_same_v<What, ItemWarned>) {
            runs_.at(what.run).ledger->Add(what);
          } else if constexpr (std::is_same_v<What, ItemRecorded>) {
            Record(what.run, runs_.at(what.run).ledger->Add(what));
          } else if constexpr (std::is_same_v<What, RunEnded>) {
            CloseRun(what.run);
          } else {
            log_->warn("{}", what.text);
          }
        },
        action);
  }
}

}  // namespace millrace
