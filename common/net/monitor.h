// What happens to a socket's connections: one monitor names every peer by its descriptor, the same
// that Received::peer_fd gives.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/net/context.h"
#include "common/net/socket.h"

namespace millrace::net {

enum class LinkEventKind {
  kAccepted,         // a peer connected to a bound socket; fd
  kConnected,        // we connected; fd
  kHandshaken,       // messages can flow; ZeroMQ does not say on which fd
  kHandshakeFailed,  // the other end speaks no ZMTP, or not with us
  kDisconnected,     // the peer is gone, or was silent for the heartbeat; fd, which may be the next
                     // peer's number as soon as it is accepted
  kClosed,           // an attempt to connect failed, or the socket stopped listening; fd
};

struct LinkEvent {
  LinkEventKind kind = LinkEventKind::kClosed;
  int fd = -1;           // -1 for the handshake's events
  std::string endpoint;  // as ZeroMQ writes it
};

// Keeps its socket from closing until it has gone itself: ZeroMQ's I/O thread would block on a
// monitor that nobody can read any more. Belongs to the socket's thread. Costs two sockets.
class Monitor {
 public:
  static Result<Monitor> Open(Context& context, const Socket& watched);

  Monitor(Monitor&&) noexcept;
  Monitor& operator=(Monitor&&) noexcept;
  ~Monitor();

  // The next event; nullopt when none is here. An event may overtake messages that came before it:
  // drain the watched socket first.
  Result<std::optional<LinkEvent>> Receive();

  [[nodiscard]] const std::shared_ptr<zmq::socket_t>& zmq() const { return events_; }

 private:
  Monitor(std::shared_ptr<zmq::socket_t> watched, std::shared_ptr<zmq::socket_t> events);
  void Stop();

  std::shared_ptr<zmq::socket_t> watched_;
  std::shared_ptr<zmq::socket_t> events_;
};

}  // namespace millrace::net
