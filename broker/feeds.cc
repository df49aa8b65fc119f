#include "broker/feeds.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/net/endpoint.h"

namespace millrace {

Feeds::Feeds(net::Context& context, net::PollLoop& loop, const BrokerConfig& config)
    : context_(context),
      loop_(loop),
      config_(config),
      ports_(static_cast<std::uint64_t>(config.feed_first),
             static_cast<std::uint64_t>(config.feed_last)) {}

Result<std::string> Feeds::Open(IncarnationId worker, Instant now) {
  const bool ipc = !config_.endpoint_dir.empty();
  net::SocketOptions options;
  options.heartbeat = Duration::zero();  // the reports link tells when a worker is silent
  ASSIGN_OR_RETURN(net::Socket socket,
                   net::Socket::Open(context_, net::SocketKind::kFeedSender, options));
  std::uint64_t number = 0;
  if (ipc) {
    number = ++last_name_;
    ASSIGN_OR_RETURN(const net::Endpoint endpoint,
                     net::ParseEndpoint(config_.FeedBindEndpoint(number)));
    RETURN_IF_ERROR(socket.Bind(endpoint));
  } else {
    // A port that another program has taken goes to the back of the queue.
    std::size_t tries = ports_.free();
    for (; tries > 0; --tries) {
      number = *ports_.Take();
      ASSIGN_OR_RETURN(const net::Endpoint endpoint,
                       net::ParseEndpoint(config_.FeedBindEndpoint(number)));
      if (socket.Bind(endpoint)) break;
      ports_.GiveBack(number);
    }
    if (tries == 0) {
      return Fail(ErrorCode::kUnavailable,
                  "no feed port is free in " + std::to_string(config_.feed_first) + "-" +
                      std::to_string(config_.feed_last) + ": " + std::to_string(feeds_.size()) +
                      " workers are connected; widen broker.feed in the topology");
    }
  }
  Feed feed{std::move(socket), number, now, false, {}, 0};
  const auto placed = feeds_.insert_or_assign(worker, std::move(feed)).first;
  // Told when the worker has connected: until then messages wait here.
  placed->second.writable =
      loop_.OnWritable(placed->second.socket, [this, worker] { Flush(worker); });
  return ipc ? "f" + std::to_string(number) : std::to_string(number);
}

void Feeds::Close(IncarnationId worker) {
  const auto found = feeds_.find(worker);
  if (found == feeds_.end()) return;
  loop_.Remove(found->second.writable);
  if (config_.endpoint_dir.empty()) ports_.GiveBack(found->second.number);
  feeds_.erase(found);
}

void Feeds::Send(IncarnationId worker, net::Frames frames) {
  const auto found = feeds_.find(worker);
  if (found == feeds_.end()) return;
  Feed& feed = found->second;
  if (!feed.connected) {
    feed.waiting.push_back(std::move(frames));
    return;
  }
  // False: the worker has just gone, and its link's end is about to be noticed.
  (void)feed.socket.Send(std::move(frames));
}

void Feeds::Flush(IncarnationId worker) {
  Feed& feed = feeds_.at(worker);
  feed.connected = true;
  loop_.Remove(std::exchange(feed.writable, 0));
  for (net::Frames& frames : feed.waiting) (void)feed.socket.Send(std::move(frames));
  feed.waiting.clear();
}

std::vector<IncarnationId> Feeds::Unconnected(Instant now) const {
  std::vector<IncarnationId> late;
  for (const auto& [worker, feed] : feeds_) {
    if (!feed.connected && feed.opened + FeedPorts::kConnectTime <= now) late.push_back(worker);
  }
  return late;
}

std::optional<Instant> Feeds::NextDeadline() const {
  std::optional<Instant> next;
  for (const auto& [worker, feed] : feeds_) {
    if (feed.connected) continue;
    const Instant due = feed.opened + FeedPorts::kConnectTime;
    next = next ? std::min(*next, due) : due;
  }
  return next;
}

}  // namespace millrace
