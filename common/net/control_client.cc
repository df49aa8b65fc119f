#include "common/net/control_client.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "common/net/poll_loop.h"
#include "common/wire/codec.h"

namespace millrace::net {
Result<ControlClient> ControlClient::Connect(Context& context, const Endpoint& broker) {
  // Lingers briefly: a request that nobody waits for any more must not reach the next broker.
  ASSIGN_OR_RETURN(Socket socket, Socket::Open(context, SocketKind::kControlClient,
                                               {.heartbeat = HeartbeatFor(broker),
                                                .linger = std::chrono::milliseconds(200)}));
  RETURN_IF_ERROR(socket.Connect(broker));
  return ControlClient(std::move(socket), broker);
}

Result<std::uint64_t> ControlClient::Send(wire::ControlRequest request) {
  const std::uint64_t id = ++last_id_;
  ASSIGN_OR_RETURN(const bool sent,
                   socket_.Send(wire::Encode(wire::RequestEnvelope{id, std::move(request)})));
  if (!sent) {
    return Fail(ErrorCode::kUnavailable, "the broker at " + broker_.Text() + " takes no requests");
  }
  return id;
}

Result<std::optional<wire::ReplyEnvelope>> ControlClient::Receive() {
  ASSIGN_OR_RETURN(auto received, socket_.Receive());
  if (!received) return std::nullopt;
  ASSIGN_OR_RETURN(auto reply, wire::DecodeReply(received->frames));
  return std::optional(std::move(reply));
}

Result<wire::ControlReply> ControlClient::Call(wire::ControlRequest request, Duration timeout) {
  ASSIGN_OR_RETURN(auto reply, Ask(std::move(request), timeout, std::nullopt));
  if (!reply) return Fail(ErrorCode::kInternal, "a call without an interrupt was interrupted");
  return std::move(*reply);
}

Result<std::optional<wire::ControlReply>> ControlClient::CallUnlessInterrupted(
    wire::ControlRequest request, Duration timeout, int interrupt_fd) {
  return Ask(std::move(request), timeout, interrupt_fd);
}

Result<std::optional<wire::ControlReply>> ControlClient::Ask(wire::ControlRequest request,
                                                             Duration timeout,
                                                             std::optional<int> interrupt_fd) {
  const SteadyClock clock;
  const Instant deadline = clock.Now() + timeout;
  ASSIGN_OR_RETURN(const std::uint64_t id, Send(std::move(request)));
  bool interrupted = false;
  PollLoop loop;
  loop.OnReadable(socket_, [] {});
  if (interrupt_fd) loop.OnReadable(*interrupt_fd, [&] { interrupted = true; });
  for (;;) {
    ASSIGN_OR_RETURN(auto reply, Receive());
    if (reply && reply->id == id) {
      if (const auto* error = std::get_if<wire::ErrorReply>(&reply->reply)) {
        return Fail(ErrorCodeFromName(error->code), error->text);
      }
      return std::optional(std::move(reply->reply));
    }
    if (reply) continue;
    if (interrupted) return std::nullopt;
    if (clock.Now() >= deadline) {
      return Fail(ErrorCode::kUnavailable, "the broker at " + broker_.Text() + " does not answer");
    }
    RETURN_IF_ERROR(loop.RunOnce(clock, deadline));
  }
}

}  // namespace millrace::net
