#include "tests/simulation/client.h"

#include <map>
#include <utility>

#include "broker/state/state.h"
#include "tests/simulation/violation.h"
#include "tests/simulation/world.h"

namespace millrace::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::uint64_t Client::Send(wire::ControlRequest request) {
  world_.SendRequest(identity_, {++last_request_, std::move(request)});
  return last_request_;
}

void Client::Ask() {
  ++generation_;
  if (done_) return;
  if (!run_.valid()) {
    asked_ = Send(wire::Submit{.input = tree_.input,
                               .output = tree_.output,
                               .verify_outputs = world_.plan.verify_outputs});
  } else {
    if (resume_wanted_) resume_ = Send(wire::ResumeRequest{run_});
    asked_ = Send(wire::WaitRequest{run_});
  }
  AskLater(seconds(2));
}

void Client::AskLater(Duration delay) {
  world_.time.In(delay, [this, generation = ++generation_] {
    if (generation == generation_) Ask();
  });
}

void Client::Cancel() {
  if (!run_.valid() || done_) return;
  world_.Trace(identity_ + " cancels");
  Send(wire::CancelRequest{run_, "cancelled"});
}

void Client::Pause(Duration length) {
  if (!run_.valid() || done_) return;
  world_.Trace(identity_ + " pauses");
  Send(wire::PauseRequest{run_});
  world_.time.In(length, [this] {
    resume_wanted_ = true;
    if (run_.valid()) Ask();
  });
}

void Client::Answered(const wire::ReplyEnvelope& reply) {
  if (reply.id == resume_) {
    const auto* error = std::get_if<wire::ErrorReply>(&reply.reply);
    resume_wanted_ = error != nullptr && error->code != "not-found";
    return;
  }
  if (reply.id != asked_) return;
  if (const auto* submitted = std::get_if<wire::Submitted>(&reply.reply)) {
    run_ = submitted->run;
    world_.Trace(identity_ + " has run " + std::to_string(run_.value()));
    Ask();
  } else if (const auto* status = std::get_if<wire::StatusReply>(&reply.reply)) {
    Ended(status->runs.at(0));
  } else if (const auto* error = std::get_if<wire::ErrorReply>(&reply.reply)) {
    Require(!run_.valid() || error->code != "not-found", "a run that was answered for is known",
            [&] { return error->text; });
    AskLater(milliseconds(300));
  }
}

void Client::Ended(const wire::RunStatus& status) {
  world_.Trace(identity_ + " hears: run " + std::to_string(status.run.value()) + " is " +
               status.state + " (" + status.reason + ")");
  run_ = RunId();
  ++submissions_;
  if (status.state != "done") {
    Require(submissions_ < 12, "a run is done at last", [&] { return status.reason; });
    if (status.state == "failed") {
      // A worker that dies again and again, or a scan that cost three of them.
      Require(world_.audit.deaths() >= 2, "no run fails for nothing",
              [&] { return status.reason; });
    }
    AskLater(world_.random.Between(milliseconds(1), seconds(1)));
    return;
  }
  CheckDone(status);
  if (!world_.plan.rerun || again_) {
    done_ = true;
    return;
  }
  again_ = true;
  AskLater(milliseconds(50));
}

void Client::CheckDone(const wire::RunStatus& status) {
  const std::unique_ptr<State> state = world_.disk.Open();
  const auto summary = state->Summarize(status.run);
  Require(summary.has_value(), "an ended run can be counted");
  std::map<std::string, std::string> failures;
  std::int64_t tried_again = 0;
  const auto listed = state->Failures(status.run, "");
  Require(listed.has_value() && !listed->more, "the failures of an ended run can be listed");
  for (const ListedItem& item : listed->rows) {
    failures[item.key] = item.code;
    tried_again += item.stage > 0 && IsEnvironmentFailure(item.code);
  }
  const RunCounts& counts = summary->counts;
  Require(summary->open == 0 && counts.scanned == counts.ended() &&
              counts.scanned == static_cast<std::int64_t>(tree_.items.size()),
          "scanned = ok + failed + skipped, of every item that there is");
  Require(status.scanned == counts.scanned && status.ok == counts.ok &&
              status.failed == counts.failed && status.skipped == counts.skipped,
          "what is told of a run is what is recorded");
  std::int64_t skipped = 0;
  for (const Item& item : tree_.items) {
    const auto failed = failures.find(item.key);
    const std::string code = failed == failures.end() ? "" : failed->second;
    const auto explain = [&] { return item.key + " ended as '" + code + "'"; };
    // That worker-died was deserved, the audit has checked when it was decided.
    if (code == "worker-died") continue;
    skipped += item.behaviour == Behaviour::kExcluded || item.behaviour == Behaviour::kNotOurs;
    switch (item.behaviour) {
      case Behaviour::kFlaky:
        // Its one failure may come on top of a death that was charged.
        if (code == "write-failed" && world_.audit.deaths() > 0) break;
        [[fallthrough]];
      case Behaviour::kOk:
      case Behaviour::kExcluded:
      case Behaviour::kNotOurs:
        Require(code.empty(), "an item that does no harm does not fail", explain);
        break;
      case Behaviour::kUnreadable:
        Require(code == "unreadable", "an item ends as it behaves", explain);
        break;
      case Behaviour::kCorrupt:
        Require(code == "corrupt", "an item ends as it behaves", explain);
        break;
      case Behaviour::kAlwaysFlaky:
        Require(code == "write-failed", "an item ends as it behaves", explain);
        break;
      case Behaviour::kHang:
        Require(code == "timeout", "an item ends as it behaves", explain);
        break;
      case Behaviour::kPoison:
      case Behaviour::kEarlyPoison:
        Require(false, "a culprit fails as worker-died", explain);
        break;
    }
  }
  Require(counts.skipped == skipped, "an item is skipped where it says so");
  if (again_) {
    Require(status.resumed == expect_resumed_, "a rerun takes over all that stands", [&] {
      return std::to_string(status.resumed) + " of " + std::to_string(expect_resumed_);
    });
  }
  expect_resumed_ = counts.ok + counts.failed - tried_again;
}

std::string Client::Describe() const {
  return identity_ + (done_ ? " is done" : " waits for run " + std::to_string(run_.value()));
}

}  // namespace millrace::sim
