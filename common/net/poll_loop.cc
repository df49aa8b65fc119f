#include "common/net/poll_loop.h"

#include <algorithm>
#include <utility>
#include <vector>
#include <zmq.hpp>

namespace millrace::net {
namespace {

constexpr std::chrono::hours kMaxWait{1};  // keeps far deadlines inside poll's int

// Milliseconds, rounded up: waking before the deadline would spin until it.
long TimeoutMs(const Clock& clock, std::optional<Instant> deadline) {
  if (!deadline) return -1;
  const Duration left = std::clamp<Duration>(*deadline - clock.Now(), Duration::zero(), kMaxWait);
  return static_cast<long>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

}  // namespace

PollLoop::WatchId PollLoop::Add(Watch watch) {
  watches_.emplace(++last_id_, std::move(watch));
  return last_id_;
}

PollLoop::WatchId PollLoop::OnReadable(const Socket& socket, Callback callback) {
  return Add({socket.zmq(), -1, ZMQ_POLLIN, std::move(callback)});
}

PollLoop::WatchId PollLoop::OnReadable(const Monitor& monitor, Callback callback) {
  return Add({monitor.zmq(), -1, ZMQ_POLLIN, std::move(callback)});
}

PollLoop::WatchId PollLoop::OnReadable(int fd, Callback callback) {
  return Add({nullptr, fd, ZMQ_POLLIN, std::move(callback)});
}

PollLoop::WatchId PollLoop::OnWritable(const Socket& socket, Callback callback) {
  return Add({socket.zmq(), -1, ZMQ_POLLOUT, std::move(callback)});
}

void PollLoop::Remove(WatchId id) { watches_.erase(id); }

Result<void> PollLoop::RunOnce(const Clock& clock, std::optional<Instant> deadline) {
  std::vector<zmq_pollitem_t> items;
  std::vector<WatchId> ids;
  items.reserve(watches_.size());
  ids.reserve(watches_.size());
  for (const auto& [id, watch] : watches_) {
    items.push_back({watch.socket ? watch.socket->handle() : nullptr, watch.fd, watch.events, 0});
    ids.push_back(id);
  }
  const int ready =
      zmq_poll(items.data(), static_cast<int>(items.size()), TimeoutMs(clock, deadline));
  if (ready < 0) {
    if (zmq_errno() == EINTR) return {};
    return Fail(ErrorCode::kInternal,
                std::string("cannot wait for sockets: ") + zmq_strerror(zmq_errno()));
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].revents == 0) continue;
    const auto found = watches_.find(ids[i]);
    if (found == watches_.end()) continue;             // removed by an earlier callback
    const Callback callback = found->second.callback;  // a copy: it may remove itself
    callback();
  }
  return {};
}

}  // namespace millrace::net
