// Requests to the broker, for workers and people: a DEALER with a number for each request.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/net/context.h"
#include "common/net/endpoint.h"
#include "common/net/socket.h"
#include "common/wire/messages.h"

namespace millrace::net {

// The connection comes back by itself after a loss, and names are looked up anew each time. A
// request that was on its way when the broker went is lost: ask again.
class ControlClient {
 public:
  static Result<ControlClient> Connect(Context& context, const Endpoint& broker);

  // Queues a request and returns its number.
  Result<std::uint64_t> Send(wire::ControlRequest request);
  // The next reply that is here; nullopt when none is. A reply that cannot be read is kProtocol;
  // the next call goes on behind it.
  Result<std::optional<wire::ReplyEnvelope>> Receive();
  // For a PollLoop.
  [[nodiscard]] const Socket& socket() const { return socket_; }

  // Sends and waits for the reply; replies to earlier requests are thrown away. An ErrorReply comes
  // back as an Error with its code and text; no reply in time is kUnavailable.
  Result<wire::ControlReply> Call(wire::ControlRequest request, Duration timeout);
  // The same, but gives up with nullopt as soon as `interrupt_fd` is readable (it is not read).
  Result<std::optional<wire::ControlReply>> CallUnlessInterrupted(wire::ControlRequest request,
                                                                  Duration timeout,
                                                                  int interrupt_fd);

 private:
  ControlClient(Socket socket, Endpoint broker)
      : socket_(std::move(socket)), broker_(std::move(broker)) {}
  Result<std::optional<wire::ControlReply>> Ask(wire::ControlRequest request, Duration timeout,
                                                std::optional<int> interrupt_fd);

  Socket socket_;
  Endpoint broker_;
  std::uint64_t last_id_ = 0;
};

}  // namespace millrace::net
