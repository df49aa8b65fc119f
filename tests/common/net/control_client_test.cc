#include "common/net/control_client.h"

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "common/os/temp_dir.h"
#include "common/os/unique_fd.h"
#include "common/wire/codec.h"
#include "tests/common/net/await.h"

namespace millrace::net {
namespace {

struct Server {
  Context context = Context::Create().value();
  Socket socket = Socket::Open(context, SocketKind::kControlServer).value();

  Server() { REQUIRE(socket.Bind(ParseEndpoint("tcp://127.0.0.1:0").value())); }
  Endpoint where() { return socket.BoundTo().value(); }
};

TEST_CASE("a reply to an earlier request is not taken for this one's") {
  Server server;
  ControlClient client = ControlClient::Connect(server.context, server.where()).value();
  std::thread broker([&] {
    const Received received = AwaitMessage(server.socket);
    const auto request = wire::DecodeRequest(received.frames);
    REQUIRE(request);
    CHECK(std::holds_alternative<wire::CancelRequest>(request->request));
    for (const std::uint64_t id : {request->id + 100, request->id}) {
      const auto run = RunId(id == request->id ? 7 : 8);
      const wire::ReplyEnvelope reply{id, wire::Submitted{run}};
      CHECK(server.socket.SendTo(received.identity, wire::Encode(reply)).value());
    }
  });
  const auto reply = client.Call(wire::CancelRequest{RunId(7), "why"}, std::chrono::seconds(20));
  broker.join();
  REQUIRE(reply);
  CHECK(std::get<wire::Submitted>(*reply).run == RunId(7));
}

TEST_CASE("a broker's refusal is an error with its code and text") {
  Server server;
  ControlClient client = ControlClient::Connect(server.context, server.where()).value();
  std::thread broker([&] {
    const Received received = AwaitMessage(server.socket);
    const wire::ReplyEnvelope reply{wire::DecodeRequest(received.frames)->id,
                                    wire::ErrorReply{"not-found", "no run 9"}};
    CHECK(server.socket.SendTo(received.identity, wire::Encode(reply)).value());
  });
  const auto reply = client.Call(wire::StatusRequest{RunId(9)}, std::chrono::seconds(20));
  broker.join();
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == ErrorCodeFromName("not-found"));
  CHECK(reply.error().message == "no run 9");
}

TEST_CASE("a broker that does not answer is reported by its address, after the time given") {
  Server server;
  ControlClient client = ControlClient::Connect(server.context, server.where()).value();
  const auto reply = client.Call(wire::StatusRequest{}, std::chrono::milliseconds(20));
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == ErrorCode::kUnavailable);
  CHECK(reply.error().message.find(server.where().Text()) != std::string::npos);
}

TEST_CASE("a call can be interrupted while it waits") {
  Server server;
  ControlClient client = ControlClient::Connect(server.context, server.where()).value();
  const UniqueFd event(eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
  const auto reply =
      client.CallUnlessInterrupted(wire::WaitRequest{RunId(1)}, std::chrono::hours(1), event.get());
  REQUIRE(reply);
  CHECK_FALSE(reply->has_value());
}

TEST_CASE("a request asked before the broker is up reaches it when it is") {
  const TempDir folder = TempDir::Create().value();
  Context context = Context::Create().value();
  const Endpoint where = ParseEndpoint("ipc://" + folder.path() + "/control").value();
  ControlClient client = ControlClient::Connect(context, where).value();
  REQUIRE(client.Send(wire::ShutdownRequest{}));
  Socket server = Socket::Open(context, SocketKind::kControlServer).value();
  REQUIRE(server.Bind(where));
  const Received received = AwaitMessage(server);
  CHECK(
      std::holds_alternative<wire::ShutdownRequest>(wire::DecodeRequest(received.frames)->request));
}

}  // namespace
}  // namespace millrace::net
