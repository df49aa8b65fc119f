#include "cli/broker_choice.h"

#include <doctest/doctest.h>

#include <thread>

#include "tests/cli/fake_broker.h"

namespace millrace::cli {
namespace {

using std::chrono::seconds;

std::unique_ptr<BrokerClient> LinkTo(const FakeBroker& broker, Duration timeout) {
  return BrokerClient::Connect(
             {.topology = "", .endpoint = broker.where().Text(), .timeout = timeout})
      .value();
}

TEST_CASE("a request that gets no answer is sent again") {
  FakeBroker broker;
  const auto link = LinkTo(broker, seconds(20));
  std::thread server([&] {
    broker.Next<wire::Submit>();  // by a broker that dies before it answers
    broker.Next<wire::Submit>();
    broker.Answer(wire::Submitted{RunId(7)});
  });
  const auto submitted = link->Ask<wire::Submitted>(wire::Submit{.input = "/a", .output = "/b"});
  server.join();
  REQUIRE(submitted);
  CHECK(submitted->run == RunId(7));
}

TEST_CASE("a request that must not be made twice is sent once") {
  FakeBroker broker;
  const auto link = LinkTo(broker, BrokerClient::kAskAgain + std::chrono::milliseconds(500));
  const auto backup = link->Ask<wire::OkReply>(wire::BackupRequest{"/copy"});
  REQUIRE_FALSE(backup);
  CHECK(backup.error().code == ErrorCode::kUnavailable);
  CHECK(broker.Next<wire::BackupRequest>().path == "/copy");
  REQUIRE(link->control().Send(wire::StatusRequest{}));
  broker.Next<wire::StatusRequest>();  // nothing was in between
}

TEST_CASE("a refusal is an answer, whatever its code") {
  FakeBroker broker;
  const auto link = LinkTo(broker, seconds(20));
  std::thread server([&] {
    broker.Next<wire::Submit>();
    broker.Answer(wire::ErrorReply{"unavailable", "the broker is shutting down"});
  });
  const auto refused = link->Ask<wire::Submitted>(wire::Submit{.input = "/a", .output = "/b"});
  server.join();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "the broker is shutting down");
}

}  // namespace
}  // namespace millrace::cli
