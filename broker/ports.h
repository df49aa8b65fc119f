// What the broker has of the world: its workers' links, whom it answers, its state, its files. In a
// service these are sockets and a disk (service.h); in the simulation, neither.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/state/requests.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/wire/messages.h"

namespace millrace {

// A run's folder.
struct HeldFolder {
  std::shared_ptr<const void> hold;  // nobody else writes to it while this lives
  std::string id;                    // its own, wherever it is moved or mounted
};

class BrokerPorts {
 public:
  virtual ~BrokerPorts() = default;

  // --- feeds, one for each worker incarnation
  // Gives its name for WELCOME. kUnavailable where no more can be had.
  virtual Result<std::string> OpenFeed(IncarnationId worker, Instant now) = 0;
  // What was sent and not received is gone.
  virtual void CloseFeed(IncarnationId worker) = 0;
  // Kept until the worker has connected. An incarnation without a feed is ignored.
  virtual void SendToFeed(IncarnationId worker, wire::FeedMessage message) = 0;
  // Those whose worker had its time to connect and did not.
  virtual std::vector<IncarnationId> UnconnectedFeeds(Instant now) = 0;
  virtual std::optional<Instant> NextFeedDeadline() = 0;

  // --- reports
  struct Report {
    int link = -1;                        // the connection that it came by
    Result<wire::ReportMessage> message;  // an error where it does not follow the protocol
  };
  // The next that has arrived; nullopt when none is here.
  virtual Result<std::optional<Report>> NextReport() = 0;

  // --- control
  virtual void Reply(const std::string& identity, wire::ReplyEnvelope reply) = 0;

  // --- the state
  virtual std::uint64_t Post(StateRequest request) = 0;
  virtual StateProgress TakeProgress() = 0;
  // Nothing is posted that has not been answered and taken.
  [[nodiscard]] virtual bool StateIdle() const = 0;

  // --- files
  // OUTPUT/.millrace, held against others; made where it is to be.
  virtual Result<HeldFolder> HoldFolder(const std::string& output, bool make) = 0;
  // Removes from it what an earlier run left.
  virtual void ClearFolder(const std::string& output) = 0;
};

}  // namespace millrace
