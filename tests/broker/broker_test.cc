// The broker around its queue: what it tells whom, and when.
#include "broker/broker.h"

#include <doctest/doctest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "common/base/log.h"
#include "tests/broker/state/state_world.h"

using namespace millrace;

namespace {

// A disk that writes when it is told to, and a client's end of the control link.
class Env final : public BrokerEnv {
 public:
  std::vector<wire::ReplyEnvelope> replies;
  std::optional<Error> broken;
  std::deque<int> unreadable;  // links by which reports have come that nobody can read
  std::deque<Report> reports;
  std::vector<wire::FeedMessage> fed;

  // What was posted is on disk.
  void Commit() {
    for (StateRequest& request : std::exchange(posted_, {})) {
      StateAnswer answer;
      if (const auto* open = std::get_if<OpenRun>(&request)) {
        answer = RunOpened{RunId(++runs_), open->order, false, false};
      } else if (const auto* retry = std::get_if<RetryRun>(&request)) {
        RunOrder order;
        order.output = retry->output;
        answer = RunOpened{RunId(1), order, true, false};
      } else if (std::holds_alternative<StartRun>(request)) {
        answer = RunStart{};
      } else if (std::holds_alternative<FindPlaces>(request)) {
        answer = FoundPlaces{};
      } else if (std::holds_alternative<SummarizeRun>(request)) {
        answer = RunListing{};
      } else if (std::holds_alternative<ReadReport>(request)) {
        answer = ReportPage{};
      }
      progress_.answers.push_back({++progress_.durable, std::move(answer)});
    }
  }

  Result<std::string> OpenFeed(IncarnationId, Instant) override { return "1"; }
  void CloseFeed(IncarnationId) override {}
  void SendToFeed(IncarnationId, wire::FeedMessage message) override {
    fed.push_back(std::move(message));
  }
  std::vector<IncarnationId> UnconnectedFeeds(Instant) override { return {}; }
  std::optional<Instant> NextFeedDeadline() override { return std::nullopt; }
  Result<std::optional<Report>> NextReport() override {
    if (!reports.empty()) {
      Report report = std::move(reports.front());
      reports.pop_front();
      return report;
    }
    if (unreadable.empty()) return std::nullopt;
    const int link = unreadable.front();
    unreadable.pop_front();
    return Report{link, Fail(ErrorCode::kProtocol, "a head that is not msgpack")};
  }
  void Reply(const std::string&, wire::ReplyEnvelope reply) override {
    replies.push_back(std::move(reply));
  }
  std::uint64_t Post(StateRequest request) override {
    posted_.push_back(std::move(request));
    return ++last_;
  }
  StateProgress TakeProgress() override {
    StateProgress taken = std::exchange(progress_, {});
    progress_.durable = taken.durable;
    taken.broken = broken;
    return taken;
  }
  bool StateIdle() const override { return posted_.empty(); }
  [[nodiscard]] bool FoldersAnswer() const { return !folder_answers_.empty(); }
  // Nothing that was posted changes the state.
  [[nodiscard]] bool AsksOnly() const {
    return !posted_.empty() && std::all_of(posted_.begin(), posted_.end(), [](const auto& each) {
      return OnlyReads(each) || std::holds_alternative<SummarizeRun>(each);
    });
  }
  std::uint64_t PostToFolder(const std::string& output, FolderRequest request) override {
    ++last_folder_;
    if (hanging.contains(output)) return last_folder_;
    Result<FolderAnswer> answer;
    if (const auto* hold = std::get_if<HoldFolder>(&request)) {
      if (hold->id && *hold->id != folder) {
        answer = Fail(ErrorCode::kNotFound, "another folder");
      } else {
        answer = FolderAnswer(FolderHeld{folder});
      }
    }
    if (std::holds_alternative<WriteList>(request)) answer = FolderAnswer(ListWritten{});
    reports_begun += std::holds_alternative<BeginReport>(request);
    folder_answers_.push_back({last_folder_, std::move(answer)});
    return last_folder_;
  }
  std::vector<FolderAnswered> TakeFolderAnswers() override {
    return std::exchange(folder_answers_, {});
  }
  std::int64_t UnixSeconds() const override { return 1'700'000'000; }

  int reports_begun = 0;
  std::set<std::string> hanging;  // outputs that answer nothing
  std::string folder = "first";   // what is found at any path
  [[nodiscard]] const StateRequest& last_posted() const { return posted_.back(); }

 private:
  std::vector<StateRequest> posted_;
  StateProgress progress_;
  std::vector<FolderAnswered> folder_answers_;
  std::uint64_t last_ = 0;
  std::uint64_t last_folder_ = 0;
  std::uint64_t runs_ = 0;
};

struct BrokerWorld {
  BrokerWorld() : broker(Stages(), {}, Epoch(1), clock, env, log) { broker.Start(); }

  static Topology Stages() {
    Topology topology;
    topology.stages.resize(2);
    topology.stages[0].name = "scan";
    topology.stages[1].name = "work";
    return topology;
  }
  static std::shared_ptr<spdlog::logger> MakeLog(std::ostream& to) {
    auto log = std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_st>(to));
    log->set_pattern("%v");
    log->set_level(spdlog::level::warn);
    return log;
  }
  // True where there was an answer at once.
  template <typename Request>
  bool Ask(Request request) {
    const std::size_t before = env.replies.size();
    broker.Requested("client", {++asked, std::move(request)});
    Pump();
    return env.replies.size() > before;
  }
  // What was posted is on disk.
  void Commit() {
    Answer();
    Pump();
  }
  // Questions to the state, and folders, are answered, until there is something to be written.
  void Pump() {
    while (env.AsksOnly() || env.FoldersAnswer()) {
      broker.OnFolders();
      if (env.AsksOnly()) Answer();
    }
    broker.Turn(std::nullopt);
  }
  void Answer() {
    env.Commit();
    broker.OnState();
    broker.OnFolders();
    broker.Turn(std::nullopt);
  }
  template <typename Reply>
  bool LastReplyIs() const {
    return env.replies.back().id == asked &&
           std::holds_alternative<Reply>(env.replies.back().reply);
  }
  bool LastRefusalHas(const std::string& text) const {
    return LastReplyIs<wire::ErrorReply>() &&
           std::get<wire::ErrorReply>(env.replies.back().reply).text.find(text) !=
               std::string::npos;
  }

  // What was logged since this was asked last, a line each.
  std::vector<std::string> Logged() {
    std::vector<std::string> lines;
    std::istringstream text(std::exchange(logged, {}).str());
    for (std::string line; std::getline(text, line);) lines.push_back(std::move(line));
    return lines;
  }
  // An unreadable report by each of these links.
  void Garble(const std::vector<int>& links) {
    env.unreadable.assign(links.begin(), links.end());
    broker.DrainReports();
  }
  // A worker joins; its incarnation is known by its number.
  wire::Link Join(std::int64_t attempt = 0) {
    Ask(wire::Hello{.stage = "work",
                    .boot = std::string(16, 'b'),
                    .attempt = attempt,
                    .pid = 7,
                    .host = "here"});
    return std::get<wire::Welcome>(env.replies.back().reply).link;
  }
  void Report(wire::ReportMessage message) {
    env.reports.push_back({1, std::move(message)});
    broker.DrainReports();
    broker.Turn(std::nullopt);
  }
  std::size_t SlotsOf(const wire::Link& link) const {
    return broker.queue().workers().at(link.incarnation).slots;
  }
  void EndLink(int link) {
    broker.LinkEnded(link);
    broker.Turn(std::nullopt);
  }

  ManualClock clock;
  Env env;
  std::ostringstream logged;
  std::shared_ptr<spdlog::logger> log = MakeLog(logged);
  Broker broker;
  std::uint64_t asked = 0;
};

}  // namespace

TEST_CASE("whoever submits, pauses or resumes a run is answered once that is on disk") {
  BrokerWorld world;
  CHECK_FALSE(world.Ask(wire::Submit{.input = "/in", .output = "/out"}));
  world.Commit();
  CHECK(world.LastReplyIs<wire::Submitted>());
  world.Commit();  // it has started
  CHECK_FALSE(world.Ask(wire::PauseRequest{RunId(1)}));
  world.Commit();
  CHECK(world.LastReplyIs<wire::OkReply>());
  CHECK_FALSE(world.Ask(wire::ResumeRequest{RunId(1)}));
  world.Commit();
  CHECK(world.LastReplyIs<wire::OkReply>());
  CHECK_FALSE(world.Ask(wire::PauseRequest{RunId(1)}));
  // The same order again goes on with it.
  CHECK_FALSE(world.Ask(wire::Submit{.input = "/in", .output = "/out"}));
  world.Commit();  // the pause
  world.Commit();
  CHECK(world.LastReplyIs<wire::Submitted>());
}

TEST_CASE("a worker that tells of its own end without having joined is no other's process") {
  BrokerWorld world;
  const wire::Hello hello{
      .stage = "work", .boot = std::string(16, 'b'), .pid = 1, .host = "shared"};
  CHECK(world.Ask(hello));
  REQUIRE(world.broker.queue().workers().size() == 1);
  // In a container of its own every worker may be process 1, and the name of the host be one.
  CHECK(world.Ask(wire::Exit{.stage = "work", .host = "shared", .status = 2}));
  CHECK(world.broker.queue().workers().size() == 1);
  CHECK(world.Ask(wire::Exit{.stage = "work", .pid = 1, .host = "shared", .expected = true}));
  CHECK(world.broker.queue().workers().empty());
}

TEST_CASE("a worker has its credit once it has answered something that came by its feed") {
  BrokerWorld world;
  const wire::Link link = world.Join();
  world.Report(wire::Credit{link, 4});
  CHECK(world.SlotsOf(link) == 0);
  REQUIRE(world.env.fed.size() == 1);
  const std::vector<wire::Lease> no_lease{wire::Lease{}};
  const auto* revoke = std::get_if<wire::Revoke>(&world.env.fed[0]);
  REQUIRE(revoke != nullptr);
  CHECK(revoke->leases == no_lease);
  world.Report(wire::Return{link, no_lease});
  CHECK(world.SlotsOf(link) == 4);
  const auto* confirm = std::get_if<wire::Confirm>(&world.env.fed.back());
  REQUIRE(confirm != nullptr);
  CHECK(confirm->stale == no_lease);
  world.Report(wire::Credit{link, 6});
  CHECK(world.SlotsOf(link) == 6);
}

TEST_CASE("one that does not answer for a lease it never had may have one job after a while") {
  BrokerWorld world;
  const wire::Link link = world.Join();
  world.Report(wire::Credit{link, 4});
  CHECK(world.broker.NextDeadline().value() <= world.clock.Now() + FeedProof::kWait);
  world.clock.Advance(FeedProof::kWait);
  world.broker.Turn(std::nullopt);
  CHECK(world.SlotsOf(link) == 1);
  world.Report(wire::Claim{link, {{JobId(1), Delivery(1)}}});
  CHECK(world.SlotsOf(link) == 4);
}

TEST_CASE("a worker that leaves before it has given a proof leaves") {
  BrokerWorld world;
  const wire::Link link = world.Join();
  world.Report(wire::Credit{link, 4});
  world.Report(wire::Credit{link, 0});
  CHECK(world.SlotsOf(link) == 0);
  world.clock.Advance(FeedProof::kWait);
  world.broker.Turn(std::nullopt);
  CHECK(world.SlotsOf(link) == 0);
}

TEST_CASE(
    "that nothing sent to a worker arrives is said once, and ends runs if nobody else works") {
  BrokerWorld world;
  world.Ask(wire::Submit{.input = "/in", .output = "/out"});
  world.Commit();
  world.Commit();
  Duration wait = FeedProof::kWait;
  for (int attempt = 0; attempt <= FeedProof::kMaxUnheard; ++attempt, wait *= 2) {
    CAPTURE(attempt);
    const bool stopped = world.broker.queue().runs().empty();
    CHECK_FALSE(stopped);
    const wire::Link link = world.Join(attempt);  // its own end of the feed was silent
    if (attempt == FeedProof::kMaxUnheard) break;
    world.Report(wire::Credit{link, 4});
    // One job is at stake, and that more and more seldom.
    for (Duration left = wait - std::chrono::milliseconds(1); left > Duration{};) {
      const Duration step = std::min<Duration>(left, std::chrono::seconds(5));
      world.clock.Advance(step);
      left -= step;
      world.Report(wire::Beat{.link = link});
    }
    CHECK(world.SlotsOf(link) == 0);
    world.clock.Advance(std::chrono::milliseconds(1));
    world.broker.Turn(std::nullopt);
    CHECK(world.SlotsOf(link) == 1);
  }
  const std::vector<std::string> lines = world.Logged();
  CHECK(std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
          return line.find(
                     "(process 7 on here) reports, but nothing that is sent to its feed "
                     "arrives: can it reach feed 1?") != std::string::npos;
        }) == 1);
  world.Commit();  // the recipe that the first worker told
  const auto* close = std::get_if<CloseRun>(&world.env.last_posted());
  REQUIRE(close != nullptr);
  CHECK(close->status.reason.find(
            "nothing that is sent to its feed arrives, and no other works at that stage") !=
        std::string::npos);
}

TEST_CASE(
    "a broker that is to hurry waits for no worker, and leaves once the reports are written") {
  BrokerWorld world;
  world.Ask(wire::Submit{.input = "/in", .output = "/out"});
  world.Commit();
  world.Commit();
  const wire::Link link = world.Join();
  world.Report(wire::Credit{link, 1});
  world.broker.OnStopSignal();
  world.broker.Turn(std::nullopt);
  CHECK(world.broker.queue().workers().size() == 1);
  world.broker.OnSecondStopSignal();
  world.broker.Turn(std::nullopt);
  CHECK(world.broker.queue().workers().empty());
  CHECK_FALSE(world.broker.Finished());  // the run is on its way to disk
  world.clock.Advance(Broker::kHurry);
  world.broker.Turn(std::nullopt);
  CHECK(world.broker.Finished());
}

TEST_CASE("a paused run goes on only in the folder that it wrote to") {
  BrokerWorld world;
  world.Ask(wire::Submit{.input = "/in", .output = "/out"});
  world.Commit();
  world.Commit();
  world.Ask(wire::PauseRequest{RunId(1)});
  world.Commit();
  world.env.folder = "second";
  CHECK(world.Ask(wire::ResumeRequest{RunId(1)}));
  CHECK(world.LastRefusalHas("another folder"));
  CHECK(world.Ask(wire::Submit{.input = "/in", .output = "/out"}));
  CHECK(world.LastRefusalHas("another folder"));
  world.env.folder = "first";
  CHECK_FALSE(world.Ask(wire::ResumeRequest{RunId(1)}));
}

TEST_CASE("what is at OUTPUT's path now is told to the state by its own id") {
  BrokerWorld world;
  world.env.folder = "second";
  CHECK_FALSE(world.Ask(wire::Submit{.input = "/in", .output = "/out"}));
  const auto* open = std::get_if<OpenRun>(&world.env.last_posted());
  REQUIRE(open != nullptr);
  CHECK(open->order.folder == "second");
}

TEST_CASE("a broker goes on with a run only in the folder that it wrote to") {
  testing::StateWorld disk;
  disk.order.folder = "first";
  disk.Run();
  for (const char* found : {"first", "second"}) {
    ManualClock clock;
    Env env;
    env.folder = found;
    Broker broker(BrokerWorld::Stages(), {}, Epoch(1), clock, env, NullLogger());
    REQUIRE(broker.Restore(*disk.state).has_value());
    broker.Start();
    broker.OnFolders();
    CHECK(broker.runs().Statuses(RunId()).size() == (env.folder == disk.order.folder ? 1 : 0));
  }
}

TEST_CASE(
    "a paused run whose folder is another by now is cancelled, and nothing is written there") {
  BrokerWorld world;
  world.Ask(wire::Submit{.input = "/in", .output = "/out"});
  world.Commit();
  world.Commit();
  world.Ask(wire::PauseRequest{RunId(1)});
  world.Commit();
  world.env.folder = "second";
  CHECK(world.Ask(wire::CancelRequest{RunId(1), ""}));
  CHECK(world.LastReplyIs<wire::OkReply>());
  world.Commit();  // its counts
  const auto* close = std::get_if<CloseRun>(&world.env.last_posted());
  REQUIRE(close != nullptr);
  CHECK(close->status.state == "failed");
  CHECK(close->status.reason == "another folder");
  CHECK(world.env.reports_begun == 0);
}

TEST_CASE("a folder that hangs stalls its own run alone") {
  BrokerWorld world;
  world.env.hanging.insert("/hangs");
  CHECK_FALSE(world.Ask(wire::Submit{.input = "/in", .output = "/hangs"}));
  CHECK(world.Ask(wire::StatusRequest{}));
  CHECK_FALSE(world.Ask(wire::Submit{.input = "/in", .output = "/out"}));
  world.Commit();
  CHECK(world.LastReplyIs<wire::Submitted>());
  world.Commit();
  CHECK(world.broker.queue().runs().size() == 1);
  // Whoever waits for it is told that it will not be opened; the broker leaves without it.
  const std::size_t before = world.env.replies.size();
  world.broker.OnStopSignal();
  CHECK(world.env.replies.size() == before + 1);
  world.broker.Turn(std::nullopt);
  world.Commit();
  CHECK(world.broker.Finished());
}

TEST_CASE("an order into an output that another is being recorded for is refused; the same joins") {
  BrokerWorld world;
  CHECK_FALSE(world.Ask(wire::Submit{.input = "/in", .output = "/out"}));
  CHECK(world.Ask(wire::Submit{.input = "/other", .output = "/out"}));
  CHECK(world.LastRefusalHas("is writing to /out"));
  CHECK(world.Ask(wire::Submit{.input = "/in", .output = "/out", .fresh = true}));
  CHECK(world.LastRefusalHas("is writing to /out"));
  CHECK(world.Ask(wire::RetryRequest{"/out", "", ""}));
  CHECK(world.LastRefusalHas("is writing to /out"));
  // What a run stops at may differ, as with one that is under way.
  CHECK_FALSE(world.Ask(wire::Submit{.input = "/in", .output = "/out", .stop_at_failures = 3}));
  CHECK_FALSE(world.Ask(wire::Submit{.input = "/other", .output = "/elsewhere"}));
  const std::size_t before = world.env.replies.size();
  world.Commit();
  world.Commit();
  REQUIRE(world.env.replies.size() == before + 3);
  CHECK(world.env.replies[before].id == 1);
  CHECK(world.env.replies[before + 1].id == 5);
  for (std::size_t i = before; i < before + 3; ++i) {
    CHECK(std::holds_alternative<wire::Submitted>(world.env.replies[i].reply));
  }
}

TEST_CASE("a retry of other failures than those that are being tried again is refused") {
  BrokerWorld world;
  const wire::RetryRequest retry{"/out", "work", "corrupt"};
  CHECK_FALSE(world.Ask(retry));
  CHECK_FALSE(world.Ask(retry));
  CHECK(world.Ask(wire::RetryRequest{"/out", "work", "empty"}));
  CHECK(world.LastRefusalHas("is writing to /out"));
  CHECK(world.Ask(wire::RetryRequest{"/out", "", "corrupt"}));
  CHECK(world.LastRefusalHas("is writing to /out"));
  CHECK(world.Ask(wire::Submit{.input = "/in", .output = "/out"}));
  CHECK(world.LastRefusalHas("is writing to /out"));
  const std::size_t before = world.env.replies.size();
  world.Commit();
  CHECK(world.env.replies.size() == before + 2);
  // And likewise once it is under way.
  CHECK(world.Ask(retry));
  CHECK(world.LastReplyIs<wire::Submitted>());
  CHECK(world.Ask(wire::RetryRequest{"/out", "work", "empty"}));
  CHECK(world.LastRefusalHas("is writing to /out"));
}

TEST_CASE("a broker whose state broke takes no orders") {
  BrokerWorld world;
  world.Ask(wire::Submit{.input = "/in", .output = "/out"});
  world.Commit();
  world.Ask(wire::PauseRequest{RunId(1)});
  world.env.broken = Error{ErrorCode::kWriteFailed, "no space"};
  world.broker.OnState();
  CHECK(world.Ask(wire::ResumeRequest{RunId(1)}));
  CHECK(world.LastReplyIs<wire::ErrorReply>());
}

TEST_CASE("what has ended is told of a run that is known") {
  BrokerWorld world;
  world.Ask(wire::EndedRequest{RunId(1), 0});
  CHECK(world.LastReplyIs<wire::ErrorReply>());
  world.Ask(wire::Submit{.input = "/in", .output = "/out"});
  world.Commit();
  world.Ask(wire::EndedRequest{RunId(1), 0});
  CHECK(world.LastReplyIs<wire::EndedReply>());
}

TEST_CASE("each peer that sends garbage is named once a minute, with how much there was") {
  BrokerWorld world;
  const Error error{ErrorCode::kProtocol, "why"};
  for (int i = 0; i < 3; ++i) {
    world.broker.MalformedRequest(std::string("\0one!", 5), error);
    world.broker.MalformedRequest(std::string("\0two!", 5), error);
  }
  world.Garble({7, 7, 8});
  CHECK(world.Logged() ==
        std::vector<std::string>{
            "control connection 006f6e6521 sent a message that does not follow the protocol (1 of "
            "all peers so far): why",
            "control connection 0074776f21 sent a message that does not follow the protocol (2 of "
            "all peers so far): why",
            "reports connection 7 sent a message that does not follow the protocol (7 of all peers "
            "so far): a head that is not msgpack",
            "reports connection 8 sent a message that does not follow the protocol (9 of all peers "
            "so far): a head that is not msgpack"});
  world.clock.Advance(std::chrono::seconds(61));
  world.broker.MalformedRequest(std::string("\0one!", 5), error);
  CHECK(world.Logged() ==
        std::vector<std::string>{
            "control connection 006f6e6521 sent a message that does not follow the protocol, and 2 "
            "more since that was last said of it (10 of all peers so far): why"});
}

TEST_CASE("who connects by a descriptor that sent garbage before is not silenced for it") {
  BrokerWorld world;
  world.Garble({7, 7});
  CHECK(world.Logged().size() == 1);
  world.EndLink(7);
  CHECK(world.Logged() == std::vector<std::string>{
                              "reports connection 7 has gone; it had sent 1 more messages that do "
                              "not follow the protocol"});
  world.Garble({7});
  CHECK(world.Logged().size() == 1);
  world.EndLink(7);
  CHECK(world.Logged().empty());
}
