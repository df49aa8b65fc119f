#include "tests/simulation/network.h"

#include <algorithm>
#include <utility>

#include "tests/simulation/violation.h"

namespace millrace::sim {

using std::chrono::microseconds;

void Channel::Send(std::function<void()> arrive, const std::shared_ptr<Channel>& self) {
  if (!open_) return;
  const Duration delay = random_.Between(microseconds(20), longest_delay_);
  last_arrival_ = std::max(last_arrival_, time_.Now() + delay);
  time_.At(last_arrival_, [self, at = last_arrival_, arrive = std::move(arrive)] {
    if (at <= self->cut_) arrive();
  });
}

void Channel::End(bool lose_tail, std::function<void()> ended) {
  if (!open_) return;
  open_ = false;
  const Instant now = time_.Now();
  cut_ = std::max(now, last_arrival_);
  if (lose_tail && last_arrival_ > now) cut_ = now + random_.Between(Duration{}, cut_ - now);
  // At the same instant as the last message: which of the two is seen first is the receiver's.
  time_.At(cut_ + (random_.Chance(50) ? Duration{} : random_.Between(Duration{}, longest_delay_)),
           std::move(ended));
}

BrokerSockets::BrokerSockets(const Plan& plan, Scheduler& time, Random& random,
                             std::function<void()> readable)
    : time_(time),
      random_(random),
      longest_delay_(plan.longest_delay),
      readable_(std::move(readable)),
      ports_(static_cast<std::uint64_t>(plan.topology.broker.feed_first),
             static_cast<std::uint64_t>(plan.topology.broker.feed_last)) {
  for (int port = plan.topology.broker.feed_first; port <= plan.topology.broker.feed_last; ++port) {
    freed_[static_cast<std::uint64_t>(port)] = Instant::min();
  }
}

Result<std::string> BrokerSockets::OpenFeed(IncarnationId worker) {
  const std::optional<std::uint64_t> port = ports_.Take();
  if (!port) return Fail(ErrorCode::kUnavailable, "no feed port is free");
  for (const auto& [other, when] : freed_) {
    Require(when >= freed_[*port], "the port that has been free the longest is used first");
  }
  freed_.erase(*port);
  Feed& feed = feeds_[worker];
  feed.port = *port;
  feed.opened = time_.Now();
  return std::to_string(*port);
}

void BrokerSockets::NoticeEnd(const std::weak_ptr<LinkOwner>& owner) {
  time_.In(Delay(), [owner] {
    if (const auto held = owner.lock()) held->LinkEnded();
  });
}

void BrokerSockets::CloseFeed(IncarnationId worker) {
  const auto found = feeds_.find(worker);
  if (found == feeds_.end()) return;
  ports_.GiveBack(found->second.port);
  freed_[found->second.port] = time_.Now();
  for (const auto& peer : found->second.peers) EndFeed(peer);
  feeds_.erase(found);
}

void BrokerSockets::EndFeed(const std::shared_ptr<FeedLink>& link) {
  link->channel->End(random_.Chance(50), [owner = link->owner] {
    if (const auto held = owner.lock()) held->LinkEnded();
  });
}

void BrokerSockets::SendTo(const std::shared_ptr<FeedLink>& link, wire::FeedMessage message) {
  auto shared = std::make_shared<wire::FeedMessage>(std::move(message));
  link->channel->Send(
      [owner = link->owner, shared] {
        if (const auto held = owner.lock()) held->FeedArrived(std::move(*shared));
      },
      link->channel);
}

void BrokerSockets::SendToFeed(IncarnationId worker, wire::FeedMessage message) {
  const auto found = feeds_.find(worker);
  if (found == feeds_.end()) return;
  Feed& feed = found->second;
  if (!feed.connected) {
    feed.waiting.push_back(std::move(message));
    return;
  }
  std::erase_if(feed.peers, [](const auto& peer) { return !peer->channel->open(); });
  if (feed.peers.empty()) return;
  // A PUSH socket deals to all who are connected, in turn.
  SendTo(feed.peers[feed.next_peer++ % feed.peers.size()], std::move(message));
}

std::vector<IncarnationId> BrokerSockets::UnconnectedFeeds() const {
  std::vector<IncarnationId> late;
  for (const auto& [worker, feed] : feeds_) {
    if (!feed.connected && feed.opened + FeedPorts::kConnectTime <= time_.Now())
      late.push_back(worker);
  }
  return late;
}

std::optional<Instant> BrokerSockets::NextFeedDeadline() const {
  std::optional<Instant> next;
  for (const auto& [worker, feed] : feeds_) {
    if (feed.connected) continue;
    const Instant due = feed.opened + FeedPorts::kConnectTime;
    next = next ? std::min(*next, due) : due;
  }
  return next;
}

std::shared_ptr<FeedLink> BrokerSockets::ConnectFeed(const std::string& port,
                                                     const std::weak_ptr<LinkOwner>& owner) {
  auto link = std::make_shared<FeedLink>();
  link->channel = std::make_shared<Channel>(time_, random_, longest_delay_);
  link->owner = owner;
  for (auto& [worker, feed] : feeds_) {
    if (std::to_string(feed.port) != port) continue;
    feed.peers.push_back(link);
    link->channel->Send(
        [owner] {
          if (const auto held = owner.lock()) held->LinkUp();
        },
        link->channel);
    if (!feed.connected) {
      feed.connected = true;
      for (wire::FeedMessage& message : feed.waiting) SendTo(link, std::move(message));
      feed.waiting.clear();
      readable_();
    }
    return link;
  }
  NoticeEnd(owner);  // nobody listens there
  return link;
}

std::shared_ptr<ReportsLink> BrokerSockets::ConnectReports(const std::weak_ptr<LinkOwner>& owner) {
  auto link = std::make_shared<ReportsLink>();
  link->channel = std::make_shared<Channel>(time_, random_, longest_delay_);
  link->owner = owner;
  link->fd = 1;
  while (!used_fds_.insert(link->fd).second) ++link->fd;
  reports_links_.push_back(link);
  time_.In(Delay(), [owner] {
    if (const auto held = owner.lock()) held->LinkUp();
  });
  return link;
}

void BrokerSockets::Report(const std::shared_ptr<ReportsLink>& link, wire::ReportMessage message) {
  auto shared = std::make_shared<wire::ReportMessage>(std::move(message));
  link->channel->Send(
      [this, alive = alive_, fd = link->fd, shared] {
        if (!*alive) return;
        reports.emplace_back(fd, std::move(*shared));
        readable_();
      },
      link->channel);
}

void BrokerSockets::EndReports(const std::shared_ptr<ReportsLink>& link, bool lose_tail) {
  link->channel->End(lose_tail, [this, alive = alive_, link] {
    if (!*alive) return;
    used_fds_.erase(link->fd);
    ended_links.push_back(link->fd);
    readable_();
  });
}

void BrokerSockets::LoseAllLinks() {
  for (auto& [worker, feed] : feeds_) {
    for (const auto& peer : feed.peers) EndFeed(peer);
  }
  for (const auto& weak : reports_links_) {
    const auto link = weak.lock();
    if (link == nullptr || !link->channel->open()) continue;
    NoticeEnd(link->owner);
    EndReports(link, /*lose_tail=*/true);
  }
  std::erase_if(reports_links_, [](const auto& weak) { return weak.expired(); });
}

void BrokerSockets::Die() {
  *alive_ = false;
  LoseAllLinks();
}

}  // namespace millrace::sim
