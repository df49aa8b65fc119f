// The two links of one incarnation: the feed that brings jobs and the reports that answer.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/net/context.h"
#include "common/net/endpoint.h"
#include "common/net/monitor.h"
#include "common/net/poll_loop.h"
#include "common/net/socket.h"
#include "common/wire/messages.h"

namespace millrace {

// Never reconnects: an incarnation ends with either link. Destroying it closes both.
class WorkerLinks {
 public:
  struct Events {
    std::function<void(wire::FeedMessage)> message;
    std::function<void(const Error&)> malformed;  // a message that was dropped
    std::function<void()> up;                     // both are connected; once
    std::function<void(std::string)> lost;  // after all that had arrived; maybe more than once
  };

  // The links lie beside `control` (PROTOCOL.md). Events come from inside the loop's RunOnce; they
  // must not destroy this object.
  static Result<std::unique_ptr<WorkerLinks>> Open(net::Context& context, net::PollLoop& loop,
                                                   const net::Endpoint& control,
                                                   const wire::Welcome& welcome, Duration heartbeat,
                                                   Events events);
  ~WorkerLinks();
  WorkerLinks(const WorkerLinks&) = delete;
  WorkerLinks& operator=(const WorkerLinks&) = delete;

  // False: the link is gone.
  Result<bool> Send(const wire::ReportMessage& report);

 private:
  struct Link {
    net::Socket socket;
    net::Monitor monitor;
    bool up = false;
  };

  WorkerLinks(net::PollLoop& loop, Link feed, Link reports, Events events);
  static Result<Link> Connect(net::Context& context, net::SocketKind kind,
                              const net::Endpoint& control, const std::string& name,
                              Duration heartbeat);
  void DrainFeed();
  void DrainEvents(Link& link, const char* name);

  net::PollLoop& loop_;
  Link feed_;
  Link reports_;
  Events events_;
  std::vector<net::PollLoop::WatchId> watches_;
};

}  // namespace millrace
