// Waits for sockets, monitors and plain descriptors at once, and for nothing else: between two
// events a process sleeps.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/net/monitor.h"
#include "common/net/socket.h"

namespace millrace::net {

// Belongs to one thread. A callback takes everything there is (Receive until nullopt) before it
// returns, so that timers run after the sockets have been drained: a deadline that a message moved
// must not fire because the message was still in the queue. It may add and remove watches.
class PollLoop {
 public:
  using Callback = std::function<void()>;
  using WatchId = std::uint64_t;

  WatchId OnReadable(const Socket& socket, Callback callback);
  WatchId OnReadable(const Monitor& monitor, Callback callback);
  WatchId OnReadable(int fd, Callback callback);
  // Only while something waits to be sent: a socket with a peer is always writable.
  WatchId OnWritable(const Socket& socket, Callback callback);
  // Before the socket or descriptor closes. The id of no watch is ignored.
  void Remove(WatchId id);

  // Waits until something is ready or `deadline` (none: for ever), whichever is first, and runs the
  // callbacks of what is ready. Returns early, having run none, on a signal.
  Result<void> RunOnce(const Clock& clock, std::optional<Instant> deadline);

 private:
  struct Watch {
    std::shared_ptr<zmq::socket_t> socket;  // or
    int fd = -1;
    short events = 0;
    Callback callback;
  };
  WatchId Add(Watch watch);

  WatchId last_id_ = 0;
  std::map<WatchId, Watch> watches_;
};

}  // namespace millrace::net
