#include "common/stage/worker_links.h"

#include <utility>

#include "common/wire/codec.h"

namespace millrace {

WorkerLinks::WorkerLinks(net::PollLoop& loop, Link feed, Link reports, Events events)
    : loop_(loop),
      feed_(std::move(feed)),
      reports_(std::move(reports)),
      events_(std::move(events)) {
  watches_ = {
      loop_.OnReadable(feed_.socket, [this] { DrainFeed(); }),
      loop_.OnReadable(feed_.monitor, [this] { DrainEvents(feed_, "feed"); }),
      loop_.OnReadable(reports_.monitor, [this] { DrainEvents(reports_, "reports"); }),
  };
}

WorkerLinks::~WorkerLinks() {
  for (const net::PollLoop::WatchId watch : watches_) loop_.Remove(watch);
}

Result<WorkerLinks::Link> WorkerLinks::Connect(net::Context& context, net::SocketKind kind,
                                               const net::Endpoint& control,
                                               const std::string& name, Duration heartbeat) {
  ASSIGN_OR_RETURN(const net::Endpoint where, net::Beside(control, name));
  ASSIGN_OR_RETURN(net::Socket socket, net::Socket::Open(context, kind, {.heartbeat = heartbeat}));
  // Before the connection, so that none of its events is missed.
  ASSIGN_OR_RETURN(net::Monitor monitor, net::Monitor::Open(context, socket));
  RETURN_IF_ERROR(socket.Connect(where));
  return Link{std::move(socket), std::move(monitor)};
}

Result<std::unique_ptr<WorkerLinks>> WorkerLinks::Open(net::Context& context, net::PollLoop& loop,
                                                       const net::Endpoint& control,
                                                       const wire::Welcome& welcome,
                                                       Duration heartbeat, Events events) {
  ASSIGN_OR_RETURN(Link feed, Connect(context, net::SocketKind::kFeedReceiver, control,
                                      welcome.feed, heartbeat));
  ASSIGN_OR_RETURN(Link reports, Connect(context, net::SocketKind::kReportsSender, control,
                                         welcome.reports, heartbeat));
  return std::unique_ptr<WorkerLinks>(
      new WorkerLinks(loop, std::move(feed), std::move(reports), std::move(events)));
}

Result<bool> WorkerLinks::Send(const wire::ReportMessage& report) {
  return reports_.socket.Send(wire::Encode(report));
}

void WorkerLinks::DrainFeed() {
  for (;;) {
    auto received = feed_.socket.Receive();
    if (!received) return events_.lost(received.error().message);
    if (!*received) return;
    if ((*received)->refused) {
      events_.malformed(Error{ErrorCode::kProtocol, "a message is over the limits"});
      return events_.lost("what a broker says must not be missed");
    }
    auto message = wire::DecodeFeed((*received)->frames);
    if (message) {
      events_.message(std::move(*message));
    } else {
      // It may have held jobs, which only the end of this incarnation gives back.
      events_.malformed(message.error());
      return events_.lost("what a broker says must not be missed");
    }
  }
}

void WorkerLinks::DrainEvents(Link& link, const char* name) {
  for (;;) {
    auto event = link.monitor.Receive();
    if (!event) return events_.lost(event.error().message);
    if (!*event) return;
    switch ((*event)->kind) {
      case net::LinkEventKind::kHandshaken: {
        link.up = true;
        if (feed_.up && reports_.up) events_.up();
        break;
      }
      case net::LinkEventKind::kDisconnected:
      case net::LinkEventKind::kHandshakeFailed:
      case net::LinkEventKind::kClosed:
        DrainFeed();  // what arrived before the end counts
        events_.lost(std::string("the ") + name + " link ended");
        break;
      case net::LinkEventKind::kAccepted:
      case net::LinkEventKind::kConnected:
        break;
    }
  }
}

}  // namespace millrace
