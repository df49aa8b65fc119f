#include "common/net/monitor.h"

#include <cstring>
#include <zmq.hpp>

namespace millrace::net {
namespace {

constexpr int kEvents = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED |
                        ZMQ_EVENT_CLOSED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                        ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

std::optional<LinkEvent> Decode(int event, int value) {
  switch (event) {
    case ZMQ_EVENT_ACCEPTED:
      return LinkEvent{LinkEventKind::kAccepted, value, ""};
    case ZMQ_EVENT_CONNECTED:
      return LinkEvent{LinkEventKind::kConnected, value, ""};
    case ZMQ_EVENT_DISCONNECTED:
      return LinkEvent{LinkEventKind::kDisconnected, value, ""};
    case ZMQ_EVENT_CLOSED:
      return LinkEvent{LinkEventKind::kClosed, value, ""};
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
      return LinkEvent{LinkEventKind::kHandshaken, -1, ""};
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      return LinkEvent{LinkEventKind::kHandshakeFailed, -1, ""};
    default:
      return std::nullopt;
  }
}

}  // namespace

Monitor::Monitor(std::shared_ptr<zmq::socket_t> watched, std::shared_ptr<zmq::socket_t> events)
    : watched_(std::move(watched)), events_(std::move(events)) {}
Monitor::Monitor(Monitor&&) noexcept = default;

Monitor& Monitor::operator=(Monitor&& other) noexcept {
  if (this != &other) {
    Stop();
    watched_ = std::move(other.watched_);
    events_ = std::move(other.events_);
  }
  return *this;
}

Monitor::~Monitor() { Stop(); }

void Monitor::Stop() {
  // In this order: see the class comment.
  if (watched_) zmq_socket_monitor(watched_->handle(), nullptr, 0);
  events_.reset();
  watched_.reset();
}

Result<Monitor> Monitor::Open(Context& context, const Socket& watched) {
  const std::string address = context.NextMonitorAddress();
  try {
    if (zmq_socket_monitor(watched.zmq()->handle(), address.c_str(), kEvents) != 0) {
      throw zmq::error_t();
    }
    auto events = std::make_shared<zmq::socket_t>(context.zmq(), zmq::socket_type::pair);
    events->set(zmq::sockopt::linger, 0);
    // Unbounded: the I/O thread's send of an event blocks, and all connections with it.
    events->set(zmq::sockopt::rcvhwm, 0);
    events->connect(address);
    return Monitor(watched.zmq(), std::move(events));
  } catch (const zmq::error_t& error) {
    zmq_socket_monitor(watched.zmq()->handle(), nullptr, 0);
    return Fail(ErrorCode::kInternal, std::string("cannot watch a socket: ") + error.what());
  }
}

Result<std::optional<LinkEvent>> Monitor::Receive() {
  for (;;) {
    // Two frames: u16 event and u32 value in the machine's order, unaligned; the address.
    zmq::message_t head;
    if (zmq_msg_recv(head.handle(), events_->handle(), ZMQ_DONTWAIT) < 0) {
      if (zmq_errno() == EAGAIN) return std::nullopt;
      return Fail(ErrorCode::kInternal,
                  std::string("cannot read a socket's events: ") + zmq_strerror(zmq_errno()));
    }
    zmq::message_t address;
    if (!head.more() || zmq_msg_recv(address.handle(), events_->handle(), ZMQ_DONTWAIT) < 0 ||
        head.size() < 6) {
      return Fail(ErrorCode::kInternal, "a socket's event is cut short");
    }
    std::uint16_t event = 0;
    std::int32_t value = 0;
    const auto* bytes = static_cast<const char*>(head.data());
    std::memcpy(&event, bytes, sizeof event);
    std::memcpy(&value, bytes + sizeof event, sizeof value);
    if (auto decoded = Decode(event, value)) {
      decoded->endpoint = address.to_string();
      return decoded;
    }
  }
}

}  // namespace millrace::net
