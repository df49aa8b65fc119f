// The broker around its queue: what it tells whom, and when.
#include "broker/broker.h"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "common/base/log.h"

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
        answer = RunOpened{RunId(++runs_), open->order, false, false};
      } else if (const auto* retry = std::get_if<RetryRun>(&request)) {
        RunOrder order;
        order.output = retry->output;
        answer = RunOpened{RunId(1), order, true, false};
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
  Result<std::shared_ptr<const void>> HoldFolder(const std::string&, bool) override {
    return nullptr;
  }
  void ClearFolder(const std::string&) override {}

 private:
  std::vector<StateRequest> posted_;
  StateProgress progress_;
  std::uint64_t last_ = 0;
  std::uint64_t runs_ = 0;
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
  bool LastRefusalHas(const std::string& text) const {
    return LastReplyIs<wire::ErrorReply>() &&
           std::get<wire::ErrorReply>(ports.replies.back().reply).text.find(text) !=
               std::string::npos;
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
  const std::size_t before = world.ports.replies.size();
  world.Commit();
  REQUIRE(world.ports.replies.size() == before + 3);
  CHECK(world.ports.replies[before].id == 1);
  CHECK(world.ports.replies[before + 1].id == 5);
  for (std::size_t i = before; i < before + 3; ++i) {
    CHECK(std::holds_alternative<wire::Submitted>(world.ports.replies[i].reply));
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
  const std::size_t before = world.ports.replies.size();
  world.Commit();
  CHECK(world.ports.replies.size() == before + 2);
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
  world.ports.broken = Error{ErrorCode::kWriteFailed, "no space"};
  world.broker.OnState();
  CHECK(world.Ask(wire::ResumeRequest{RunId(1)}));
  CHECK(world.LastReplyIs<wire::ErrorReply>());
}
