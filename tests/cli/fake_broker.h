// The broker's control socket and nothing behind it: the test reads the requests and says what is
// answered.
#pragma once

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>

#include "common/net/context.h"
#include "common/net/control_client.h"
#include "common/net/endpoint.h"
#include "common/net/poll_loop.h"
#include "common/net/socket.h"
#include "common/wire/codec.h"
#include "tests/common/net/await.h"

namespace millrace::cli {

class FakeBroker {
 public:
  FakeBroker() { REQUIRE(socket_.Bind(net::ParseEndpoint("tcp://127.0.0.1:0").value())); }

  [[nodiscard]] net::Endpoint where() const { return socket_.BoundTo().value(); }
  net::ControlClient Client() { return net::ControlClient::Connect(context_, where()).value(); }

  // Waits for the next request, which must be of this kind.
  template <typename Request>
  Request Next() {
    const net::Received received = net::AwaitMessage(socket_);
    peer_ = received.identity;
    auto envelope = wire::DecodeRequest(received.frames);
    REQUIRE(envelope);
    id_ = envelope->id;
    auto* request = std::get_if<Request>(&envelope->request);
    REQUIRE(request != nullptr);
    return std::move(*request);
  }

  // Answers the request that Next gave last.
  void Answer(wire::ControlReply reply) {
    REQUIRE(
        socket_.SendTo(peer_, wire::Encode(wire::ReplyEnvelope{id_, std::move(reply)})).value());
  }

 private:
  net::Context context_ = net::Context::Create().value();
  net::Socket socket_ = net::Socket::Open(context_, net::SocketKind::kControlServer).value();
  std::string peer_;
  std::uint64_t id_ = 0;
};

// Waits for the next reply.
inline wire::ReplyEnvelope AwaitReply(net::ControlClient& client) {
  net::PollLoop loop;
  std::optional<wire::ReplyEnvelope> reply;
  loop.OnReadable(client.socket(), [] {});
  net::Await(loop, [&] {
    auto received = client.Receive();
    REQUIRE(received);
    reply = std::move(*received);
    return reply.has_value();
  });
  return std::move(*reply);
}

}  // namespace millrace::cli
