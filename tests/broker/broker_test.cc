// The broker around its queue: what it tells whom, and when.
#include "broker/broker.h"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "common/base/log.h"
#include "tests/broker/state/state_world.h"

using namespace millrace;

namespace {

// A disk that writes when it is told to, and a client's end of the control link.
class Ports final : public BrokerPorts {
 public:
  std::vector<wire::ReplyEnvelope> replies;
  std::optional<Error> broken;

  // What was posted is on disk.
  void Commit() {
    for (StateRequest& request : std::exchange(posted_, {})) {
      StateAnswer answer;
      if (const auto* open = std::get_if<OpenRun>(&request)) {
        answer = RunOpened{RunId(1), open->order, false, false};
      } else if (std::holds_alternative<StartRun>(request)) {
        answer = RunStart{};
      }
      progress_.answers.push_back({++progress_.durable, std::move(answer)});
    }
  }

  Result<std::string> OpenFeed(IncarnationId, Instant) override { return "1"; }
  void CloseFeed(IncarnationId) override {}
  void SendToFeed(IncarnationId, wire::FeedMessage) override {}
  std::vector<IncarnationId> UnconnectedFeeds(Instant) override { return {}; }
  std::optional<Instant> NextFeedDeadline() override { return std::nullopt; }
  Result<std::optional<Report>> NextReport() override { return std::nullopt; }
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
  Result<HeldFolder> HoldFolder(const std::string&, bool) override {
    return HeldFolder{nullptr, folder};
  }
  void ClearFolder(const std::string&) override {}

  std::string folder = "first";  // what is found at any path
  [[nodiscard]] const StateRequest& last_posted() const { return posted_.back(); }

 private:
  std::vector<StateRequest> posted_;
  StateProgress progress_;
  std::uint64_t last_ = 0;
};

struct BrokerWorld {
  BrokerWorld() : broker(Stages(), {}, Epoch(1), clock, ports, NullLogger()) { broker.Start(); }

  static Topology Stages() {
    Topology topology;
    topology.stages.resize(2);
    topology.stages[0].name = "scan";
    topology.stages[1].name = "work";
    return topology;
  }
  // True where there was an answer at once.
  template <typename Request>
  bool Ask(Request request) {
    const std::size_t before = ports.replies.size();
    broker.Requested("client", {++asked, std::move(request)});
    broker.Turn(std::nullopt);
    return ports.replies.size() > before;
  }
  void Commit() {
    ports.Commit();
    broker.OnState();
    broker.Turn(std::nullopt);
  }
  template <typename Reply>
  bool LastReplyIs() const {
    return ports.replies.back().id == asked &&
           std::holds_alternative<Reply>(ports.replies.back().reply);
  }

  ManualClock clock;
  Ports ports;
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
  world.Commit();
  CHECK(world.LastReplyIs<wire::Submitted>());
}

TEST_CASE("what is at OUTPUT's path now is told to the state by its own id") {
  BrokerWorld world;
  world.ports.folder = "second";
  CHECK_FALSE(world.Ask(wire::Submit{.input = "/in", .output = "/out"}));
  const auto* open = std::get_if<OpenRun>(&world.ports.last_posted());
  REQUIRE(open != nullptr);
  CHECK(open->order.folder == "second");
}

TEST_CASE("a broker goes on with a run only in the folder that it wrote to") {
  testing::StateWorld disk;
  disk.order.folder = "first";
  disk.Run();
  for (const char* found : {"first", "second"}) {
    ManualClock clock;
    Ports ports;
    ports.folder = found;
    Broker broker(BrokerWorld::Stages(), {}, Epoch(1), clock, ports, NullLogger());
    REQUIRE(broker.Restore(*disk.state).has_value());
    CHECK(broker.queue().runs().size() == (ports.folder == disk.order.folder ? 1 : 0));
  }
}

TEST_CASE("a broker whose state broke takes no orders") {
  BrokerWorld world;
  world.Ask(wire::Submit{.input = "/in", .output = "/out"});
  world.Commit();
  world.Ask(wire::PauseRequest{RunId(1)});
  world.ports.broken = Error{ErrorCode::kWriteFailed, "no space"};
  world.broker.OnState();
  CHECK(world.Ask(wire::ResumeRequest{RunId(1)}));
  CHECK(world.LastReplyIs<wire::ErrorReply>());
}
