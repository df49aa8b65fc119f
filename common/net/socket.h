// A ZeroMQ socket of one of the protocol's six kinds, with that kind's options.
//
// A Socket belongs to one thread. Nothing here blocks: wait with a PollLoop. The high-water marks
// are 0, since ZeroMQ's do not bound what a peer has been sent; credit does.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/net/context.h"
#include "common/net/endpoint.h"
#include "common/payload/payload.h"

namespace zmq {
class socket_t;
}

namespace millrace::net {

// The same type as wire::Frames.
using Frames = std::vector<Buffer>;

enum class SocketKind {
  kFeedSender,       // PUSH, bound by the broker, one a worker
  kFeedReceiver,     // PULL, connected by a worker; never reconnects
  kReportsReceiver,  // PULL, bound by the broker, one for all
  kReportsSender,    // PUSH, connected by a worker; never reconnects, queues nothing unconnected
  kControlServer,    // ROUTER, bound by the broker; a send to an unknown peer is `false`
  kControlClient,    // DEALER, connected; reconnects by itself, and may queue before it has
};

struct SocketOptions {
  // A peer that is silent this long is lost (HEARTBEAT_TIMEOUT and TTL, a PING each half of it).
  // See HeartbeatFor; zero: no heartbeats.
  Duration heartbeat = kLocalHeartbeat;
  // How long a closed socket goes on delivering what was sent. Finite, always: a context waits for
  // it when it goes.
  Duration linger = std::chrono::seconds(1);
  // A peer that sends a larger frame is cut off by ZeroMQ.
  std::int64_t max_frame_bytes = std::int64_t{1} << 32;
  // A message beyond these is received to its end and thrown away (Received::refused).
  std::size_t max_frames = 1 << 17;
  std::size_t max_message_bytes = std::size_t{1} << 33;
};

struct Received {
  Frames frames;         // each owns its ZeroMQ message; nothing was copied
  std::string identity;  // kControlServer: whom to answer; "" otherwise
  int peer_fd = -1;      // the connection it came by, as a Monitor names it; -1 if unknown
  bool refused = false;  // over a limit: `frames` is empty
};

class Socket {
 public:
  // kInternal where ZeroMQ refuses (too many sockets, open files); the message says which.
  static Result<Socket> Open(Context& context, SocketKind kind, const SocketOptions& options = {});

  Socket(Socket&&) noexcept;
  Socket& operator=(Socket&&) noexcept;
  ~Socket();

  // kUnavailable where the address is taken or cannot be had here.
  Result<void> Bind(const Endpoint& endpoint);
  // Succeeds at once: whether a peer is there, a Monitor tells.
  Result<void> Connect(const Endpoint& endpoint);
  // What was bound, with its port where any was asked for.
  [[nodiscard]] Result<Endpoint> BoundTo() const;

  // Sends all frames or nothing. Large buffers are not copied: they are shared with ZeroMQ until
  // sent. False: there is no peer to take it (gone, not yet connected); nothing was queued.
  Result<bool> Send(Frames frames);
  // kControlServer: to the peer that a Received named.
  Result<bool> SendTo(const std::string& identity, Frames frames);

  // The next message; nullopt when none is here.
  Result<std::optional<Received>> Receive();

  // Whether Send would find a peer.
  [[nodiscard]] bool Writable() const;

  // For this library: shared, so that a Monitor can keep it from closing under itself.
  [[nodiscard]] const std::shared_ptr<zmq::socket_t>& zmq() const { return socket_; }

 private:
  Socket(std::shared_ptr<zmq::socket_t> socket, SocketKind kind, const SocketOptions& options);
  Result<bool> SendAll(const std::string* identity, Frames frames);

  std::shared_ptr<zmq::socket_t> socket_;
  SocketKind kind_;
  SocketOptions options_;
};

}  // namespace millrace::net
