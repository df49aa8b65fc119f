#include "common/net/socket.h"

#include <algorithm>
#include <zmq.hpp>

#include "common/net/message.h"

namespace millrace::net {
namespace {

zmq::socket_type TypeOf(SocketKind kind) {
  switch (kind) {
    case SocketKind::kFeedSender:
    case SocketKind::kReportsSender:
      return zmq::socket_type::push;
    case SocketKind::kFeedReceiver:
    case SocketKind::kReportsReceiver:
      return zmq::socket_type::pull;
    case SocketKind::kControlServer:
      return zmq::socket_type::router;
    case SocketKind::kControlClient:
      return zmq::socket_type::dealer;
  }
  return zmq::socket_type::dealer;
}

int Milliseconds(Duration duration) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

void SetOptions(zmq::socket_t& socket, SocketKind kind, const SocketOptions& options) {
  socket.set(zmq::sockopt::sndhwm, 0);
  socket.set(zmq::sockopt::rcvhwm, 0);
  socket.set(zmq::sockopt::linger, Milliseconds(options.linger));
  socket.set(zmq::sockopt::maxmsgsize, options.max_frame_bytes);
  socket.set(zmq::sockopt::backlog, 1024);  // a whole cluster's workers come at once
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 60);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 10);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 6);
  if (const int heartbeat = Milliseconds(options.heartbeat); heartbeat > 0) {
    socket.set(zmq::sockopt::heartbeat_ivl, std::max(heartbeat / 2, 1));
    socket.set(zmq::sockopt::heartbeat_timeout, heartbeat);
    // Travels in tenths of a second, at most 6553.5 s.
    socket.set(zmq::sockopt::heartbeat_ttl, std::min(heartbeat, 6553500));
  }
  switch (kind) {
    case SocketKind::kReportsSender:
      socket.set(zmq::sockopt::immediate, 1);
      [[fallthrough]];
    case SocketKind::kFeedReceiver:
      socket.set(zmq::sockopt::reconnect_ivl, -1);
      break;
    case SocketKind::kControlServer:
      socket.set(zmq::sockopt::router_mandatory, 1);
      break;
    case SocketKind::kControlClient:
      socket.set(zmq::sockopt::reconnect_ivl, 100);
      socket.set(zmq::sockopt::reconnect_ivl_max, 2000);
      break;
    case SocketKind::kFeedSender:
    case SocketKind::kReportsReceiver:
      break;
  }
}

// ZeroMQ tries one address family only: the newer one just where it was asked for by its form.
void AllowIpv6(zmq::socket_t& socket, const Endpoint& endpoint) {
  if (endpoint.host.find(':') != std::string::npos) socket.set(zmq::sockopt::ipv6, 1);
}

bool NoPeer(int error) { return error == EAGAIN || error == EHOSTUNREACH; }

}  // namespace

Socket::Socket(std::shared_ptr<zmq::socket_t> socket, SocketKind kind, const SocketOptions& options)
    : socket_(std::move(socket)), kind_(kind), options_(options) {}
Socket::Socket(Socket&&) noexcept = default;
Socket& Socket::operator=(Socket&&) noexcept = default;
Socket::~Socket() = default;

Result<Socket> Socket::Open(Context& context, SocketKind kind, const SocketOptions& options) {
  try {
    auto socket = std::make_shared<zmq::socket_t>(context.zmq(), TypeOf(kind));
    SetOptions(*socket, kind, options);
    return Socket(std::move(socket), kind, options);
  } catch (const zmq::error_t& error) {
    return Fail(ErrorCode::kInternal, std::string("cannot open a socket: ") + error.what());
  }
}

Result<void> Socket::Bind(const Endpoint& endpoint) {
  try {
    AllowIpv6(*socket_, endpoint);
    socket_->bind(endpoint.Text());
    return {};
  } catch (const zmq::error_t& error) {
    return Fail(ErrorCode::kUnavailable, "cannot bind " + endpoint.Text() + ": " + error.what());
  }
}

Result<void> Socket::Connect(const Endpoint& endpoint) {
  try {
    AllowIpv6(*socket_, endpoint);
    socket_->connect(endpoint.Text());
    return {};
  } catch (const zmq::error_t& error) {
    return Fail(ErrorCode::kUnavailable,
                "cannot connect to " + endpoint.Text() + ": " + error.what());
  }
}

Result<Endpoint> Socket::BoundTo() const {
  try {
    return ParseEndpoint(socket_->get(zmq::sockopt::last_endpoint));
  } catch (const zmq::error_t& error) {
    return Fail(ErrorCode::kInternal, std::string("cannot ask for the address: ") + error.what());
  }
}

Result<bool> Socket::Send(Frames frames) { return SendAll(nullptr, std::move(frames)); }

Result<bool> Socket::SendTo(const std::string& identity, Frames frames) {
  return SendAll(&identity, std::move(frames));
}

Result<bool> Socket::SendAll(const std::string* identity, Frames frames) {
  if (frames.empty()) return Fail(ErrorCode::kInternal, "a message needs a frame");
  try {
    std::vector<zmq::message_t> parts;
    parts.reserve(frames.size() + 1);
    if (identity != nullptr) parts.emplace_back(identity->data(), identity->size());
    for (const Buffer& frame : frames) parts.push_back(ToMessage(frame));
    bool sent = true;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const bool last = i + 1 == parts.size();
      const int flags = ZMQ_DONTWAIT | (last ? 0 : ZMQ_SNDMORE);
      if (zmq_msg_send(parts[i].handle(), socket_->handle(), flags) >= 0) continue;
      if (!NoPeer(zmq_errno())) {
        return Fail(ErrorCode::kInternal, std::string("cannot send: ") + zmq_strerror(zmq_errno()));
      }
      if (i == 0) {
        // Sending looks for new connections at most once a millisecond; asking for events always.
        if (!Writable()) return false;
        if (zmq_msg_send(parts[i].handle(), socket_->handle(), flags) >= 0) continue;
        return false;
      }
      // The peer went away in the middle: ZeroMQ throws the message away, to its last frame, which
      // it must be given, or it would eat the head of the next message.
      sent = false;
    }
    return sent;
  } catch (const zmq::error_t& error) {
    return Fail(ErrorCode::kInternal, std::string("cannot send: ") + error.what());
  }
}

Result<std::optional<Received>> Socket::Receive() {
  Received out;
  std::size_t bytes = 0;
  bool more = true;
  for (std::size_t index = 0; more; ++index) {
    zmq::message_t message;
    if (zmq_msg_recv(message.handle(), socket_->handle(), ZMQ_DONTWAIT) < 0) {
      const int error = zmq_errno();
      // A message is here whole or not at all, so only its first frame can be missing.
      if (error == EAGAIN && index == 0) return std::nullopt;
      return Fail(ErrorCode::kInternal, std::string("cannot receive: ") + zmq_strerror(error));
    }
    more = message.more();
    if (kind_ == SocketKind::kControlServer && index == 0) {
      out.identity = message.to_string();
      continue;
    }
    if (out.peer_fd < 0) out.peer_fd = zmq_msg_get(message.handle(), ZMQ_SRCFD);
    bytes += message.size();
    if (out.frames.size() >= options_.max_frames || bytes > options_.max_message_bytes) {
      out.refused = true;
      out.frames.clear();
    }
    if (!out.refused) out.frames.push_back(ToBuffer(std::move(message)));
  }
  return out;
}

bool Socket::Writable() const {
  try {
    return (socket_->get(zmq::sockopt::events) & ZMQ_POLLOUT) != 0;
  } catch (const zmq::error_t&) {
    return false;
  }
}

}  // namespace millrace::net
