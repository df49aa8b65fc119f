// Requests of workers, supervisors and people: each goes to the part that it is for; questions
// about the whole broker are answered here.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/durability.h"
#include "broker/env.h"
#include "broker/job_queue.h"
#include "broker/membership.h"
#include "broker/run/runs.h"
#include "common/base/clock.h"
#include "common/config/topology.h"
#include "common/wire/messages.h"

namespace millrace {

class Requests {
 public:
  struct Parts {
    const Topology& topology;
    const Clock& clock;
    BrokerEnv& env;
    JobQueue& queue;
    Durability& durability;
    Membership& membership;
    Runs& runs;
    std::function<void(const wire::ShutdownRequest&)> shut_down;
  };
  explicit Requests(Parts parts) : p_(std::move(parts)) {}

  void Take(const Asker& asker, const wire::ControlRequest& request);

 private:
  Answer On(const wire::Hello& hello, const Asker&) { return p_.membership.Hello(hello); }
  Answer On(const wire::Exit& exit, const Asker&) { return p_.membership.Exit(exit); }
  Answer On(const wire::LostRequest& lost, const Asker&) { return p_.membership.Lost(lost); }
  Answer On(const wire::Submit& submit, const Asker& asker) {
    return p_.runs.Submit(submit, asker);
  }
  Answer On(const wire::RetryRequest& retry, const Asker& asker);
  Answer On(const wire::StatusRequest& status, const Asker& asker);
  Answer On(const wire::WaitRequest& wait, const Asker& asker) { return p_.runs.Wait(wait, asker); }
  Answer On(const wire::CancelRequest& cancel, const Asker& asker) {
    return p_.runs.Cancel(cancel, asker);
  }
  Answer On(const wire::PauseRequest& pause, const Asker& asker) {
    return p_.runs.Pause(pause, asker);
  }
  Answer On(const wire::ResumeRequest& resume, const Asker& asker) {
    return p_.runs.Resume(resume, asker);
  }
  Answer On(const wire::FailuresRequest& failures, const Asker& asker) {
    return p_.runs.Failures(failures, asker);
  }
  Answer On(const wire::BackupRequest& backup, const Asker& asker);
  Answer On(const wire::EndedRequest& ended, const Asker&) { return p_.runs.Ended(ended); }
  Answer On(const wire::ShutdownRequest& shutdown, const Asker& asker);

  std::vector<wire::StageStatus> StageStatuses();

  Parts p_;
  // For the share of time that workers were busy lately.
  struct Snapshot {
    std::vector<JobQueue::StageTotals> totals;
    Instant at;
  };
  Snapshot last_;
  Snapshot previous_;
};

}  // namespace millrace
