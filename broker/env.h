// The broker's environment: worker links, client replies, durable state, run folders, the date.
// BrokerService (service.h) implements it with sockets, threads and disks; the simulation with none
// of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/run_folder.h"
#include "broker/state/requests.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/wire/messages.h"

namespace millrace {

class WorkerLinks {
 public:
  virtual ~WorkerLinks() = default;

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
};

class ClientLink {
 public:
  virtual ~ClientLink() = default;
  virtual void Reply(const std::string& identity, wire::ReplyEnvelope reply) = 0;
};

class StateLink {
 public:
  virtual ~StateLink() = default;
  // Gives the request's number: 1, 2, 3, …
  virtual std::uint64_t Post(StateRequest request) = 0;
  virtual StateProgress TakeProgress() = 0;
  // Nothing is posted that has not been answered and taken.
  [[nodiscard]] virtual bool StateIdle() const = 0;
};

class RunFolders {
 public:
  virtual ~RunFolders() = default;
  // Requests to one folder are carried out in order; a folder that hangs holds up no other. Gives
  // the request's number.
  virtual std::uint64_t PostToFolder(const std::string& output, FolderRequest request) = 0;
  virtual std::vector<FolderAnswered> TakeFolderAnswers() = 0;
};

class WallClock {
 public:
  virtual ~WallClock() = default;
  // Since 1970.
  [[nodiscard]] virtual std::int64_t UnixSeconds() const = 0;
};

class BrokerEnv : public WorkerLinks,
                  public ClientLink,
                  public StateLink,
                  public RunFolders,
                  public WallClock {};

}  // namespace millrace
