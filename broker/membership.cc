#include "broker/membership.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "broker/refusal.h"

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
constexpr std::int64_t kMaxBeatMs = 1000;

// Of workers that say HELLO and no more.
constexpr std::uint64_t kIncarnationLines = 20;

}  // namespace

std::optional<StageIndex> FindStage(const Topology& topology, std::string_view name) {
  for (StageIndex stage = 0; stage < topology.stages.size(); ++stage) {
    if (topology.stages[stage].name == name) return stage;
  }
  return std::nullopt;
}

wire::ControlReply Membership::Hello(const wire::Hello& hello) {
  if (hello.version != wire::kProtocolVersion) {
    return Refusal(ErrorCode::kProtocol,
                   "this broker speaks version " + std::to_string(wire::kProtocolVersion) +
                       " of the protocol, and the worker version " + std::to_string(hello.version));
  }
  const std::optional<StageIndex> stage = FindStage(p_.topology, hello.stage);
  if (!stage) {
    return Refusal(ErrorCode::kNotFound,
                   "the topology " + p_.topology.name + " has no stage '" + hello.stage + "'");
  }
  if (draining_) return Refusal(ErrorCode::kUnavailable, "the broker is shutting down");
  const Instant now = p_.clock.Now();
  if (Session* known = p_.sessions.FindBoot(hello.boot); known != nullptr) {
    known->heard = now;
    if (hello.attempt < known->hello.attempt) {
      return Refusal(ErrorCode::kProtocol, "a later HELLO of this process has come already");
    }
    if (hello.attempt == known->hello.attempt) {
      if (known->joined) return known->welcome;
      return Refusal(ErrorCode::kUnavailable, "this attempt's links are lost: send HELLO again");
    }
    if (known->joined) {
      const IncarnationId old = known->incarnation;
      p_.reports.Drain();
      p_.queue.LinkLost(old, now);
      EndIncarnation(old);
    }
  }
  if (p_.durability.broken()) {
    return Refusal(ErrorCode::kUnavailable, p_.durability.broken()->message);
  }
  if (std::optional<wire::ErrorReply> refused = TakeRecipe(*stage, hello)) return *refused;
  return Welcome(*stage, hello, now);
}

wire::ControlReply Membership::Welcome(StageIndex stage, const wire::Hello& hello, Instant now) {
  const StageConfig& config = p_.topology.stages[stage];
  const IncarnationId id(++last_incarnation_);
  Result<std::string> feed = p_.links.OpenFeed(id, now);
  if (!feed) {
    // However often it is said, by however many: a refused worker says HELLO again.
    p_.peers.Warn("refused " + hello.stage, fmt::format("refused {}-{}: {}", hello.stage,
                                                        hello.replica, feed.error().message));
    return Refusal(feed.error());
  }
  wire::Welcome welcome;
  welcome.link = {p_.epoch, id};
  welcome.feed = *feed;
  welcome.reports = p_.topology.broker.ReportsName();
  welcome.lease_ms = std::chrono::duration_cast<std::chrono::milliseconds>(config.lease).count();
  welcome.beat_ms =
      std::max<std::int64_t>(std::min(welcome.lease_ms / kBeatShareOfLease, kMaxBeatMs), 1);
  welcome.max_payload = config.max_payload;
  p_.queue.Join(id, stage, hello.replica, hello.boot, now);
  const Session* before = p_.sessions.FindBoot(hello.boot);
  Session session;
  session.incarnation = id;
  session.hello = hello;
  session.welcome = welcome;
  session.heard = now;
  session.unheard = before == nullptr ? 0 : before->unheard;
  p_.sessions.Add(std::move(session));
  p_.log->debug("{}-{} (pid {} on {}) is incarnation {}, feed {}", hello.stage, hello.replica,
                hello.pid, hello.host, id.value(), *feed);
  return welcome;
}

std::optional<wire::ErrorReply> Membership::TakeRecipe(StageIndex stage, const wire::Hello& hello) {
  std::optional<std::string>& known = p_.recipes[stage];
  if (known && *known == hello.recipe) return std::nullopt;
  if (known) {
    // A run that has not begun takes whatever recipe its workers have by then.
    std::string by;
    if (const RunId run = p_.runs.UserOfRecipes(); run.valid()) {
      by = "run " + std::to_string(run.value());
    }
    for (const auto& [id, worker] : p_.queue.workers()) {
      if (by.empty() && worker.stage == stage && worker.boot != hello.boot) {
        by = "another worker (replica " + std::to_string(worker.replica) + ")";
      }
    }
    if (!by.empty()) {
      return Refusal(ErrorCode::kUsage,
                     "this worker's options or model are not those that " + by +
                         " goes by in stage " + hello.stage +
                         ": outputs of one run would differ. Let it end, or stop it, before a "
                         "change");
    }
  }
  known = hello.recipe;
  p_.runs.OnRecipe(stage, hello.recipe);
  return std::nullopt;
}

wire::ControlReply Membership::Exit(const wire::Exit& exit) {
  const std::optional<StageIndex> stage = FindStage(p_.topology, exit.stage);
  if (!stage) return Refusal(ErrorCode::kNotFound, "no stage '" + exit.stage + "'");
  const Instant now = p_.clock.Now();
  const std::string how = HowItEnded(exit);
  // Without a process id it comes from a worker that has never said HELLO: containers may share a
  // host's name, and each has a process 1.
  Session* session = exit.pid == 0 ? nullptr : p_.sessions.FindProcess(exit.host, exit.pid);
  if (session == nullptr) {
    if (!exit.expected) p_.queue.StillbornDied(*stage, exit.replica, how, now);
    return wire::OkReply{};
  }
  p_.reports.Drain();
  if (exit.expected) {
    p_.queue.Leave(session->incarnation, now);
    p_.links.CloseFeed(session->incarnation);
  } else if (session->joined) {
    // Its last reports may still be on their way: the queue waits for the end of its link.
    p_.queue.ProcessDied(session->incarnation, how, now);
    return wire::OkReply{};
  } else {
    p_.queue.LostProcessDied(session->hello.boot, how, now);
  }
  p_.sessions.Remove(session->hello.boot);
  return wire::OkReply{};
}

wire::ControlReply Membership::Lost(const wire::LostRequest& request) const {
  wire::LostReply reply;
  for (const Session* session : p_.sessions.Lost(request.host, p_.clock.Now())) {
    reply.processes.push_back({session->hello.stage, session->hello.replica, session->hello.pid});
  }
  return reply;
}

void Membership::EndLostLinks() {
  if (ended_links_.empty()) return;
  p_.reports.Drain();
  for (const int link : std::exchange(ended_links_, {})) {
    // The next one that connects may get the same descriptor.
    p_.peers.LinkEnded(link);
    const std::optional<IncarnationId> worker = p_.sessions.Disconnected(link);
    if (!worker) continue;
    p_.log->debug("incarnation {} lost its link", worker->value());
    p_.queue.LinkLost(*worker, p_.clock.Now());
    EndIncarnation(*worker);
  }
}

void Membership::EndUnconnected(Instant now) {
  for (const IncarnationId late : p_.links.UnconnectedFeeds(now)) {
    p_.peers.Warn("never connected",
                  "incarnation " + std::to_string(late.value()) + " never connected to its feed",
                  kIncarnationLines);
    p_.queue.LinkLost(late, now);
    EndIncarnation(late);
  }
}

void Membership::EndIncarnation(IncarnationId worker) {
  const Instant now = p_.clock.Now();
  p_.proof.OnEnd(worker, now);
  p_.links.CloseFeed(worker);
  p_.sessions.Ended(worker, now);
}

void Membership::Drain() {
  draining_ = true;
  for (const auto& [id, worker] : p_.queue.workers()) {
    p_.links.SendToFeed(id, wire::Drain{{p_.epoch, id}});
  }
}

void Membership::EndAll(std::string_view reason) {
  std::vector<IncarnationId> late;
  for (const auto& [id, worker] : p_.queue.workers()) late.push_back(id);
  for (const IncarnationId id : late) {
    if (!reason.empty()) p_.log->warn("incarnation {} {}", id.value(), reason);
    p_.queue.Leave(id, p_.clock.Now());
    EndIncarnation(id);
  }
}

}  // namespace millrace
