// Simulated links. Messages of one link arrive in order, each after a delay of its own; a link that
// ends may lose what was still under way, and its end is learned of later, by each side for itself.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/feed_ports.h"
#include "common/base/result.h"
#include "common/wire/messages.h"
#include "tests/simulation/plan.h"
#include "tests/simulation/random.h"
#include "tests/simulation/scheduler.h"

namespace millrace::sim {

// One direction of one connection.
class Channel {
 public:
  Channel(Scheduler& time, Random& random, Duration longest_delay)
      : time_(time), random_(random), longest_delay_(longest_delay) {}

  // `arrive` is called once it is there; never, where the channel ended before.
  void Send(std::function<void()> arrive, const std::shared_ptr<Channel>& self);
  // Nothing more is sent. Of what is under way a part, from the front, still arrives; after that
  // `ended` is called.
  void End(bool lose_tail, std::function<void()> ended);
  [[nodiscard]] bool open() const { return open_; }

 private:
  Scheduler& time_;
  Random& random_;
  const Duration longest_delay_;
  bool open_ = true;
  Instant last_arrival_{};
  Instant cut_ = Instant::max();  // what would arrive after it is lost
};

// A worker's end of the links of one incarnation.
class LinkOwner {
 public:
  virtual ~LinkOwner() = default;
  virtual void FeedArrived(wire::FeedMessage message) = 0;
  virtual void LinkUp() = 0;
  virtual void LinkEnded() = 0;  // maybe more than once
};

struct FeedLink {
  std::shared_ptr<Channel> channel;
  std::weak_ptr<LinkOwner> owner;
};
struct ReportsLink {
  std::shared_ptr<Channel> channel;
  int fd = -1;
  std::uint64_t broker_life = 0;
  std::weak_ptr<LinkOwner> owner;
};

// The broker's sockets: what a worker can reach, and what has arrived. They go with its process.
class BrokerSockets {
 public:
  BrokerSockets(const Plan& plan, Scheduler& time, Random& random, std::function<void()> readable);

  // --- the broker's side
  Result<std::string> OpenFeed(IncarnationId worker);
  void CloseFeed(IncarnationId worker);
  void SendToFeed(IncarnationId worker, wire::FeedMessage message);
  [[nodiscard]] std::vector<IncarnationId> UnconnectedFeeds() const;
  [[nodiscard]] std::optional<Instant> NextFeedDeadline() const;
  std::deque<std::pair<int, wire::ReportMessage>> reports;  // and by which connection
  std::deque<int> ended_links;
  std::deque<std::pair<std::string, wire::RequestEnvelope>> requests;

  // --- the workers' side
  // The owner hears of the link's coming up, or of its end.
  std::shared_ptr<FeedLink> ConnectFeed(const std::string& port,
                                        const std::weak_ptr<LinkOwner>& owner);
  std::shared_ptr<ReportsLink> ConnectReports(const std::weak_ptr<LinkOwner>& owner);
  void Report(const std::shared_ptr<ReportsLink>& link, wire::ReportMessage message);
  // By the worker, by its death, or by the network.
  void EndReports(const std::shared_ptr<ReportsLink>& link, bool lose_tail);
  void EndFeed(const std::shared_ptr<FeedLink>& link);
  // The process is gone, or silent for so long that its peers give it up: every worker learns of
  // it.
  void Die();
  void LoseAllLinks();

 private:
  struct Feed {
    std::uint64_t port = 0;
    Instant opened;
    bool connected = false;
    std::deque<wire::FeedMessage> waiting;
    std::vector<std::shared_ptr<FeedLink>> peers;
    std::size_t next_peer = 0;
  };
  void SendTo(const std::shared_ptr<FeedLink>& link, wire::FeedMessage message);
  void NoticeEnd(const std::weak_ptr<LinkOwner>& owner);
  Duration Delay() { return random_.Between(std::chrono::microseconds(20), longest_delay_); }

  Scheduler& time_;
  Random& random_;
  const Duration longest_delay_;
  std::function<void()> readable_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  FeedPorts ports_;
  std::map<std::uint64_t, Instant> freed_;  // the ports that are free
  std::map<IncarnationId, Feed> feeds_;
  std::set<int> used_fds_;  // the lowest free one is given, as kernels do
  std::vector<std::weak_ptr<ReportsLink>> reports_links_;
};

}  // namespace millrace::sim
