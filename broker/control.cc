// Broker: requests of workers, and those that ask; what is ordered is in orders.cc.
#include <fmt/format.h>
#include <sys/wait.h>

#include <cstring>
#include <utility>

#include "broker/broker.h"
#include "broker/refusal.h"
#include "broker/run_files.h"
#include "common/base/path_below.h"

namespace millrace {
namespace {

// "was killed by signal 9 (Killed)", "exited with status 3", and its last words.
std::string HowItEnded(const wire::Exit& exit) {
  std::string text = exit.signal != 0 ? "was killed by signal " + std::to_string(exit.signal) +
                                            " (" + strsignal(static_cast<int>(exit.signal)) + ")"
                                      : "exited with status " + std::to_string(exit.status);
  std::string_view tail = exit.stderr_tail;
  while (!tail.empty() && (tail.back() == '\n' || tail.back() == ' ')) tail.remove_suffix(1);
  const std::size_t line = tail.rfind('\n');
  if (line != std::string_view::npos) tail.remove_prefix(line + 1);
  if (!tail.empty()) text += "; its last line was: " + std::string(tail.substr(0, 500));
  return text;
}

constexpr std::int64_t kBeatShareOfLease = 10;
constexpr std::int64_t kSlowestBeatMs = 1000;

}  // namespace

void Broker::Requested(const std::string& identity, wire::RequestEnvelope request) {
  const std::uint64_t id = request.id;
  Answer answer =
      std::visit([&](const auto& what) { return Take(what, identity, id); }, request.request);
  if (answer) Reply(identity, id, std::move(*answer));
}

void Broker::Reply(const std::string& identity, std::uint64_t request, wire::ControlReply reply) {
  ports_.Reply(identity, {request, std::move(reply)});
}

std::optional<StageIndex> Broker::FindStage(std::string_view name) const {
  for (StageIndex stage = 0; stage < topology_.stages.size(); ++stage) {
    if (topology_.stages[stage].name == name) return stage;
  }
  return std::nullopt;
}

Broker::Answer Broker::Take(const wire::Hello& hello, const std::string&, std::uint64_t) {
  if (hello.version != wire::kProtocolVersion) {
    return Refusal(ErrorCode::kProtocol,
                   "this broker speaks version " + std::to_string(wire::kProtocolVersion) +
                       " of the protocol, and the worker version " + std::to_string(hello.version));
  }
  const std::optional<StageIndex> stage = FindStage(hello.stage);
  if (!stage) {
    return Refusal(ErrorCode::kNotFound,
                   "the topology " + topology_.name + " has no stage '" + hello.stage + "'");
  }
  if (shutting_down_) return Refusal(ErrorCode::kUnavailable, "the broker is shutting down");
  const Instant now = clock_.Now();
  if (Session* known = sessions_.FindBoot(hello.boot); known != nullptr) {
    known->heard = now;
    if (hello.attempt < known->hello.attempt) {
      return Refusal(ErrorCode::kProtocol, "a later HELLO of this process has come already");
    }
    if (hello.attempt == known->hello.attempt) {
      if (known->joined) return known->welcome;
      return Refusal(ErrorCode::kUnavailable, "this attempt's links are lost: say HELLO anew");
    }
    if (known->joined) {
      const IncarnationId old = known->incarnation;
      DrainReports();
      queue_.LinkLost(old, now);
      EndIncarnationNow(old);
    }
  }
  if (broken_) return Refusal(ErrorCode::kUnavailable, broken_->message);
  if (std::optional<wire::ErrorReply> refused = TakeRecipe(*stage, hello)) return *refused;
  const StageConfig& config = topology_.stages[*stage];
  const IncarnationId id(++last_incarnation_);
  Result<std::string> feed = ports_.OpenFeed(id, now);
  if (!feed) {
    // However often it is said, by however many: a refused worker says HELLO again.
    WarnRepeated("refused " + hello.stage, fmt::format("refused {}-{}: {}", hello.stage,
                                                       hello.replica, feed.error().message));
    return Refusal(feed.error());
  }
  wire::Welcome welcome;
  welcome.link = {epoch_, id};
  welcome.feed = *feed;
  welcome.reports = topology_.broker.ReportsName();
  welcome.lease_ms = std::chrono::duration_cast<std::chrono::milliseconds>(config.lease).count();
  welcome.beat_ms =
      std::max<std::int64_t>(std::min(welcome.lease_ms / kBeatShareOfLease, kSlowestBeatMs), 1);
  welcome.max_payload = config.max_payload;
  queue_.Join(id, *stage, hello.replica, hello.boot, now);
  const Session* before = sessions_.FindBoot(hello.boot);
  Session session;
  session.incarnation = id;
  session.hello = hello;
  session.welcome = welcome;
  session.heard = now;
  session.unheard = before == nullptr ? 0 : before->unheard;
  sessions_.Add(std::move(session));
  log_->debug("{}-{} (pid {} on {}) is incarnation {}, feed {}", hello.stage, hello.replica,
              hello.pid, hello.host, id.value(), *feed);
  return welcome;
}

Broker::Answer Broker::Take(const wire::Exit& exit, const std::string&, std::uint64_t) {
  const std::optional<StageIndex> stage = FindStage(exit.stage);
  if (!stage) return Refusal(ErrorCode::kNotFound, "no stage '" + exit.stage + "'");
  const Instant now = clock_.Now();
  const std::string how = HowItEnded(exit);
  // Without a process id it comes from a worker that has never said HELLO: containers may share a
  // host's name, and each has a process 1.
  Session* session = exit.pid == 0 ? nullptr : sessions_.FindProcess(exit.host, exit.pid);
  if (session == nullptr) {
    if (!exit.expected) queue_.StillbornDied(*stage, exit.replica, how, now);
    return wire::OkReply{};
  }
  DrainReports();
  if (exit.expected) {
    queue_.Leave(session->incarnation, now);
    ports_.CloseFeed(session->incarnation);
  } else if (session->joined) {
    // Its last reports may still be on their way: the queue waits for the end of its link.
    queue_.ProcessDied(session->incarnation, how, now);
    return wire::OkReply{};
  } else {
    queue_.LostProcessDied(session->hello.boot, how, now);
  }
  sessions_.Remove(session->hello.boot);
  return wire::OkReply{};
}

Broker::Answer Broker::Take(const wire::LostRequest& request, const std::string&, std::uint64_t) {
  wire::LostReply reply;
  for (const Session* session : sessions_.Lost(request.host, clock_.Now())) {
    reply.processes.push_back({session->hello.stage, session->hello.replica, session->hello.pid});
  }
  return reply;
}

wire::RunStatus Broker::StatusOf(RunId id, const RunFiles& files) const {
  if (files.final_status) return *files.final_status;
  if (files.paused) return files.last_status;
  const Run* found = queue_.FindRun(id);
  if (found == nullptr) return files.last_status;  // its report is being written
  const Run& run = *found;
  wire::RunStatus status;
  status.run = id;
  status.input = files.spec.input;
  status.output = files.spec.output;
  status.state = run.phase <= RunPhase::kActive ? "active" : "stopping";
  status.scanned = run.counts.scanned;
  status.ok = run.counts.ok;
  status.failed = run.counts.failed;
  status.skipped = run.counts.skipped;
  status.resumed = run.counts.resumed;
  status.scan_complete = run.scan_complete;
  if (run.first_found) {
    status.elapsed_s = std::chrono::duration<double>(clock_.Now() - *run.first_found).count();
  }
  status.reason = run.reason;
  status.remark = files.remark;
  return status;
}

std::vector<wire::StageStatus> Broker::StageStatuses() {
  const Instant now = clock_.Now();
  std::vector<JobQueue::StageTotals> totals;
  for (StageIndex stage = 0; stage < topology_.stages.size(); ++stage) {
    totals.push_back(queue_.Totals(stage, now));
  }
  // Two snapshots at least two seconds apart, so that the recent share is of more than a moment.
  if (last_totals_.empty() || now - last_totals_at_ > std::chrono::seconds(2)) {
    previous_totals_ = std::exchange(last_totals_, totals);
    previous_totals_at_ = std::exchange(last_totals_at_, now);
  }
  const std::vector<JobQueue::StageTotals>& since =
      previous_totals_.empty() ? last_totals_ : previous_totals_;
  std::vector<wire::StageStatus> statuses;
  for (StageIndex stage = 0; stage < topology_.stages.size(); ++stage) {
    wire::StageStatus status;
    status.name = topology_.stages[stage].name;
    for (const auto& [id, worker] : queue_.workers()) status.workers += worker.stage == stage;
    const auto signed_count = [](std::size_t count) { return static_cast<std::int64_t>(count); };
    status.waiting = signed_count(totals[stage].jobs - totals[stage].in_flight);
    status.active = signed_count(totals[stage].in_flight);
    status.bytes = signed_count(totals[stage].bytes);
    const double present =
        std::chrono::duration<double>(totals[stage].present - since[stage].present).count();
    const double busy =
        std::chrono::duration<double>(totals[stage].busy - since[stage].busy).count();
    status.busy = present > 0 ? busy / present : 0;
    statuses.push_back(std::move(status));
  }
  return statuses;
}

Broker::Answer Broker::Take(const wire::StatusRequest& request, const std::string&, std::uint64_t) {
  wire::StatusReply reply;
  for (const auto& [id, files] : runs_) {
    if (!request.run.valid() || request.run == id) reply.runs.push_back(StatusOf(id, files));
  }
  if (request.run.valid() && reply.runs.empty()) {
    return Refusal(ErrorCode::kNotFound, "no run " + std::to_string(request.run.value()));
  }
  reply.stages = StageStatuses();
  if (broken_) reply.trouble = broken_->message;
  return reply;
}

Broker::Answer Broker::Take(const wire::WaitRequest& request, const std::string& identity,
                            std::uint64_t number) {
  const auto found = runs_.find(request.run);
  if (found == runs_.end()) {
    return Refusal(ErrorCode::kNotFound, "no run " + std::to_string(request.run.value()));
  }
  if (found->second.final_status) return wire::StatusReply{{*found->second.final_status}, {}, ""};
  waiters_.push_back({identity, number, request.run});
  return std::nullopt;
}

Broker::Answer Broker::Take(const wire::BackupRequest& request, const std::string& identity,
                            std::uint64_t number) {
  if (!IsAbsolutePath(request.path)) {
    return Refusal(ErrorCode::kUsage, "the path must be absolute and without NUL");
  }
  if (broken_) return Refusal(ErrorCode::kUnavailable, broken_->message);
  Post(BackUp{request.path}, [this, identity, number](Result<StateAnswer> answer) {
    if (!answer) return Reply(identity, number, Refusal(answer.error()));
    Reply(identity, number, wire::OkReply{});
  });
  return std::nullopt;
}

Broker::Answer Broker::Take(const wire::FailuresRequest& request, const std::string&,
                            std::uint64_t) {
  const auto found = runs_.find(request.run);
  if (found == runs_.end()) {
    return Refusal(ErrorCode::kNotFound, "no run " + std::to_string(request.run.value()));
  }
  if (!found->second.final_status) {
    return Refusal(ErrorCode::kUnavailable, "the run has not ended: its failures are not sorted");
  }
  Result<FailurePage> page = ReadFailures(found->second.spec.output, request.offset);
  if (!page) return Refusal(page.error());
  return wire::FailuresReply{std::move(page->lines), page->more};
}

Broker::Answer Broker::Take(const wire::EndedRequest& request, const std::string&, std::uint64_t) {
  const auto found = runs_.find(request.run);
  if (found == runs_.end()) {
    return Refusal(ErrorCode::kNotFound, "no run " + std::to_string(request.run.value()));
  }
  RunFiles& files = found->second;
  if (files.final_status) return wire::EndedReply{{}, request.from};  // its files tell
  if (!files.ended) files.ended.emplace();
  return files.ended->PageFrom(request.from);
}

Broker::Answer Broker::Take(const wire::ShutdownRequest& request, const std::string&,
                            std::uint64_t) {
  BeginShutdown(RunResult::kStopped, "the broker was told to stop");
  if (request.now) ToldToHurry();
  return wire::OkReply{};
}

}  // namespace millrace
