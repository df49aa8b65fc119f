// A WorkerCore with a clock turned by hand, and what it has asked for.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/stage/worker_core.h"

namespace millrace {

struct CoreWorld {
  ManualClock clock;
  WorkerSettings settings;
  WorkerCore core;
  std::vector<WorkerAction> actions;  // since Clear
  wire::Link link{Epoch(100), IncarnationId(1)};

  explicit CoreWorld(WorkerSettings given = {.batch_max = 1, .credit = 2})
      : settings(given), core(settings, clock.Now()) {}

  // What the shell does after every event.
  void Settle() {
    core.Tick(clock.Now());
    for (WorkerAction& action : core.TakeActions()) actions.push_back(std::move(action));
  }
  void Advance(Duration by) {
    clock.Advance(by);
    Settle();
  }
  void Clear() { actions.clear(); }

  wire::Welcome Welcome() const {
    return {.link = link,
            .feed = "f",
            .reports = "r",
            .lease_ms = 1000,
            .beat_ms = 100,
            .max_payload = 1000};
  }
  // From greeting to linked.
  void Join(std::int64_t attempt = 1) {
    core.Welcomed(attempt, Welcome(), clock.Now());
    Settle();
    core.LinksUp(clock.Now());
    Settle();
  }
  void Receive(wire::FeedMessage message) {
    core.Received(std::move(message), clock.Now());
    Settle();
  }
  static wire::Lease LeaseOf(std::uint64_t job, std::uint64_t delivery = 1) {
    return {JobId(job), Delivery(delivery)};
  }
  wire::JobMessage Jobs(std::vector<std::uint64_t> ids, bool alone = false) const {
    wire::JobMessage message{link, {{RunId(1), "/in", "/out", ""}}, {}};
    for (const std::uint64_t id : ids) {
      wire::JobSpec spec{.lease = LeaseOf(id), .run = RunId(1), .key = std::to_string(id)};
      spec.alone = alone;
      message.jobs.push_back(std::move(spec));
    }
    return message;
  }
  void SendJobs(std::vector<std::uint64_t> ids, bool alone = false) {
    Receive(Jobs(std::move(ids), alone));
  }
  void Confirm(std::vector<std::uint64_t> ids) {
    wire::Confirm confirm{link, {}, {}};
    for (const std::uint64_t id : ids) confirm.accepted.push_back(LeaseOf(id));
    Receive(confirm);
  }
  void Finish(std::vector<Outcome> outcomes) {
    core.Finished(std::move(outcomes), clock.Now());
    Settle();
  }

  template <typename Action>
  std::vector<Action> All() const {
    std::vector<Action> found;
    for (const WorkerAction& action : actions) {
      if (const auto* each = std::get_if<Action>(&action)) found.push_back(*each);
    }
    return found;
  }
  template <typename Report>
  std::vector<Report> Reports() const {
    std::vector<Report> found;
    for (const SendReport& action : All<SendReport>()) {
      if (const auto* each = std::get_if<Report>(&action.report)) found.push_back(*each);
    }
    return found;
  }
  // The ids of each Process call begun.
  std::vector<std::vector<std::uint64_t>> Calls() const {
    std::vector<std::vector<std::uint64_t>> calls;
    for (const StartProcess& start : All<StartProcess>()) {
      auto& ids = calls.emplace_back();
      for (const Job& job : start.jobs) ids.push_back(job.id.value());
    }
    return calls;
  }
  std::vector<std::uint64_t> Returned() const {
    std::vector<std::uint64_t> ids;
    for (const wire::Return& report : Reports<wire::Return>()) {
      for (const wire::Lease& lease : report.leases) ids.push_back(lease.job.value());
    }
    return ids;
  }
};

}  // namespace millrace
