// Who is behind an incarnation: the process that said HELLO, its link, its place in the topology.
//
// HELLO is idempotent by (boot, attempt): asked again, the same WELCOME is given; a higher attempt
// of the same boot ends the old incarnation. A link's end is known by its descriptor on the reports
// socket, which names the incarnation from the first report that came by it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/wire/messages.h"

namespace millrace {

struct Session {
  IncarnationId incarnation;  // the latest; may have ended
  wire::Hello hello;
  wire::Welcome welcome;
  bool joined = true;  // its incarnation lives
};

class Sessions {
 public:
  Session& Add(Session session);
  // By the nonce of the process; nullptr for one that never said HELLO.
  Session* FindBoot(const std::string& boot);
  // The latest process with this number on this host.
  Session* FindProcess(const std::string& host, std::int64_t pid);
  Session* FindIncarnation(IncarnationId incarnation);
  void Ended(IncarnationId incarnation);
  // Forgets a process that is known to have gone.
  void Remove(const std::string& boot);

  // A report of the incarnation came by this connection.
  void SeenOn(int fd, IncarnationId incarnation);
  // The connection has ended: whose it was, if anybody had reported by it. The number may already
  // belong to the next peer, so the one seen first is meant.
  std::optional<IncarnationId> Disconnected(int fd);

 private:
  std::map<std::string, Session> by_boot_;
  std::map<IncarnationId, std::string> boots_;       // of living incarnations
  std::map<int, std::vector<IncarnationId>> by_fd_;  // in the order of their first report
  std::map<IncarnationId, int> fds_;
};

}  // namespace millrace
