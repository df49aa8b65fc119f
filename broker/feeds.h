// The feeds: one bound PUSH socket for each worker incarnation.
//
// On TCP a feed is a port of the topology's range (feed_ports.h). An old worker that connects to
// one that is another's by now finds messages that name another incarnation. On ipc it is a socket
// file whose name is never used twice.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/feed_ports.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/config/topology.h"
#include "common/net/poll_loop.h"
#include "common/net/socket.h"

namespace millrace {

// Belongs to the broker's thread.
class Feeds {
 public:
  Feeds(net::Context& context, net::PollLoop& loop, const BrokerConfig& config);

  // Binds a feed for the incarnation; returns its name for WELCOME: a port, or a file's name.
  // kUnavailable where all ports are taken, or the process may have no more sockets.
  Result<std::string> Open(IncarnationId worker, Instant now);
  // Closes it. What was sent and not received is gone.
  void Close(IncarnationId worker);

  // Sends, or keeps the message until the worker has connected. An incarnation without a feed is
  // ignored.
  void Send(IncarnationId worker, net::Frames frames);

  // Those that had FeedPorts::kConnectTime and did not connect.
  [[nodiscard]] std::vector<IncarnationId> Unconnected(Instant now) const;
  [[nodiscard]] std::optional<Instant> NextDeadline() const;
  [[nodiscard]] std::size_t size() const { return feeds_.size(); }

 private:
  struct Feed {
    net::Socket socket;
    std::uint64_t number = 0;
    Instant opened;
    bool connected = false;
    std::deque<net::Frames> waiting;  // for the worker to connect
    net::PollLoop::WatchId writable = 0;
  };

  void Flush(IncarnationId worker);

  net::Context& context_;
  net::PollLoop& loop_;
  const BrokerConfig& config_;
  std::map<IncarnationId, Feed> feeds_;
  FeedPorts ports_;
  std::uint64_t last_name_ = 0;
};

}  // namespace millrace
