// Audit: what passes over the links.
#include <algorithm>
#include <type_traits>

#include "tests/simulation/audit.h"
#include "tests/simulation/describe.h"
#include "tests/simulation/violation.h"
#include "tests/simulation/world.h"

namespace millrace::sim {

void Audit::FeedOpened(IncarnationId worker) {
  peers_[worker].boot = greeting_;
  // The process lives: what its earlier incarnations held was lost with a link.
  for (Loss& loss : losses_) loss.alive = loss.alive || loss.boot == greeting_;
}

void Audit::FeedClosed(IncarnationId worker) {
  const auto found = peers_.find(worker);
  if (found == peers_.end()) return;
  if (world_.tracing()) world_.Trace("incarnation " + std::to_string(worker.value()) + " ends");
  for (const wire::Lease& lease : found->second.outstanding) {
    const Sending& sending = sendings_.at(lease);
    losses_.push_back({.item = sending.item,
                       .stage = sending.stage,
                       .boot = found->second.boot,
                       .by_itself = sending.alone || sending.call_size == 1,
                       .when = world_.time.Now()});
  }
  peers_.erase(found);
}

void Audit::Sent(IncarnationId worker, const wire::FeedMessage& message) {
  if (world_.tracing()) world_.Trace("   < " + Describe(message));
  if (!peers_.contains(worker)) return;  // its feed is closed: it goes nowhere
  if (const auto* jobs = std::get_if<wire::JobMessage>(&message)) SentJobs(worker, *jobs);
  if (const auto* confirm = std::get_if<wire::Confirm>(&message)) SentConfirm(*confirm);
}

void Audit::SentJobs(IncarnationId worker, const wire::JobMessage& message) {
  Peer& peer = peers_.at(worker);
  const StageIndex stage = queue_->workers().at(worker).stage;
  for (const wire::JobSpec& spec : message.jobs) {
    const auto explain = [&] {
      return "'" + spec.key + "' (job " + std::to_string(spec.lease.job.value()) + ") to " +
             std::to_string(worker.value());
    };
    Delivery& latest = latest_[spec.lease.job];
    Require(spec.lease.delivery > latest, "every sending has a number of its own", explain);
    latest = spec.lease.delivery;
    const bool beside_alone =
        std::any_of(peer.outstanding.begin(), peer.outstanding.end(),
                    [&](const wire::Lease& lease) { return sendings_.at(lease).alone; });
    Require(!beside_alone, "a worker with an item that is alone gets nothing more", explain);
    Require(!spec.alone || peer.outstanding.empty(),
            "an item that is alone goes to an empty worker", explain);
    peer.outstanding.insert(spec.lease);
    Require(peer.outstanding.size() <= peer.credit, "credit is never exceeded", explain);
    Require(queue_->FindRun(spec.run)->phase == RunPhase::kActive,
            "nothing is sent of a run that is paused, stopped or over", explain);
    const ItemId item{spec.run, spec.key};
    Require(spec.key.empty() || !ended_.contains(item), "an item that has ended is not sent",
            explain);
    if (!spec.key.empty()) {
      const ItemMarks& marks = marks_[item][stage];
      Require(spec.attempt == marks.attempts && spec.alone == marks.alone,
              "an item goes with the marks that are recorded for it", explain);
    }
    sendings_[spec.lease] = {
        .item = item, .stage = stage, .worker = worker, .alone = spec.alone, .must_be_durable = {}};
  }
}

void Audit::SentConfirm(const wire::Confirm& confirm) {
  for (const auto* leases : {&confirm.accepted, &confirm.stale}) {
    for (const wire::Lease& lease : *leases) {
      const auto found = sendings_.find(lease);
      if (found == sendings_.end()) continue;
      Sending& sending = found->second;
      const bool of_its_end = ++sending.confirms > sending.claims;
      if (!of_its_end || leases == &confirm.stale || !sending.must_be_durable) continue;
      Require(*sending.must_be_durable <= durable_, "what is confirmed is on disk",
              [&] { return sending.item.second; });
      if (ended_.contains(sending.item)) told_.insert(sending.item);
    }
  }
}

// As anybody can tell who has read PROTOCOL.md.
bool Audit::Counts(const wire::Link& link, const wire::Lease& lease) const {
  const auto peer = peers_.find(link.incarnation);
  const auto latest = latest_.find(lease.job);
  return link.epoch == epoch_ && peer != peers_.end() && peer->second.outstanding.contains(lease) &&
         latest != latest_.end() && latest->second == lease.delivery &&
         queue_->FindJob(lease.job) != nullptr;
}

void Audit::Expect(const wire::Lease& lease, Verdict verdict) {
  const Sending& sending = sendings_.at(lease);
  verdict.lease = lease;
  verdicts_[sending.item] = std::move(verdict);
}

void Audit::Answer(const wire::Link& link, const wire::Lease& lease) {
  const auto peer = peers_.find(link.incarnation);
  if (link.epoch == epoch_ && peer != peers_.end()) peer->second.outstanding.erase(lease);
}

void Audit::TakingReport(const wire::ReportMessage& message) {
  if (world_.tracing()) world_.Trace("   > " + Describe(message));
  untouched_.clear();
  untouched_worker_.reset();
  const auto leave_alone = [&](const wire::Lease& lease) {
    const QueuedJob* job = queue_->FindJob(lease.job);
    if (job == nullptr) return;
    untouched_.push_back(
        {lease, job->state, job->delivery, job->holder, job->marks, job->deadline});
  };
  std::visit(
      [&](const auto& report) {
        using Report = std::decay_t<decltype(report)>;
        const wire::Link& link = report.link;
        const auto peer = peers_.find(link.incarnation);
        const bool ours = link.epoch == epoch_ && peer != peers_.end();
        if (!ours) {
          const auto worker = queue_->workers().find(link.incarnation);
          if (worker != queue_->workers().end()) untouched_worker_ = worker->second;
        }
        if constexpr (std::is_same_v<Report, wire::Credit>) {
          if (!ours) return;
          const auto slots = static_cast<std::size_t>(report.slots);
          peer->second.credit = slots;
          std::size_t& most = most_credit_[queue_->workers().at(link.incarnation).stage];
          std::size_t all = slots;
          for (const auto& [id, worker] : queue_->workers()) {
            const bool beside = id != link.incarnation &&
                                worker.stage == queue_->workers().at(link.incarnation).stage;
            // What it gave: the queue has none of it before the feed is proven.
            if (beside && peers_.contains(id)) all += peers_.at(id).credit;
          }
          most = std::max(most, all);
        } else if constexpr (std::is_same_v<Report, wire::Claim>) {
          for (const wire::Lease& lease : report.leases) {
            if (!Counts(link, lease)) {
              leave_alone(lease);
              continue;
            }
            sendings_.at(lease).call_size = report.leases.size();
            ++sendings_.at(lease).claims;
          }
        } else if constexpr (std::is_same_v<Report, wire::Return>) {
          for (const wire::Lease& lease : report.leases) {
            if (!Counts(link, lease)) leave_alone(lease);
            Answer(link, lease);
          }
        } else if constexpr (std::is_same_v<Report, wire::Beat>) {
          for (const wire::Lease& lease : report.claimed) {
            if (!Counts(link, lease)) leave_alone(lease);
          }
        } else {
          for (const auto& result : report.results) {
            const wire::Lease& lease = result.lease;
            if (!Counts(link, lease)) {
              leave_alone(lease);
            } else if constexpr (std::is_same_v<Report, wire::DoneReport>) {
              const bool last = sendings_.at(lease).stage + 1 == kStages;
              if (last || sendings_.at(lease).stage == kScan) Expect(lease, {});
            } else if constexpr (std::is_same_v<Report, wire::FailReport>) {
              Expect(lease, {ItemOutcome::kFailed, result.code, result.retryable, {}});
            } else {
              Expect(lease, {ItemOutcome::kSkipped, result.reason, false, {}});
            }
            Answer(link, lease);
          }
        }
      },
      message);
}

void Audit::ReportTaken() {
  for (const Untouched& was : untouched_) {
    const QueuedJob* job = queue_->FindJob(was.lease.job);
    Require(job != nullptr && job->state == was.state && job->delivery == was.delivery &&
                job->holder == was.holder && job->marks == was.marks &&
                job->deadline == was.deadline,
            "a stale lease changes nothing",
            [&] { return "job " + std::to_string(was.lease.job.value()); });
  }
  if (untouched_worker_) {
    const auto found = queue_->workers().find(untouched_worker_->id);
    Require(found != queue_->workers().end() && found->second.slots == untouched_worker_->slots &&
                found->second.held == untouched_worker_->held &&
                found->second.last_beat == untouched_worker_->last_beat,
            "a report of another incarnation or epoch changes nothing");
  }
  untouched_.clear();
  untouched_worker_.reset();
}

}  // namespace millrace::sim
