// Who is behind an incarnation: the process that said HELLO, its link, its place in the topology.
//
// HELLO is idempotent by (boot, attempt): asked again, the same WELCOME is given; a higher attempt
// of the same boot ends the old incarnation. A link's end is known by its descriptor on the reports
// socket, which names the incarnation from the first report that came by it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
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
  Instant heard;       // when it last said HELLO, or its latest incarnation ended

  // Of the latest incarnation: whether it has answered for anything that came by its feed. Before,
  // the queue does not know of its credit, or only of one slot.
  bool proven = false;
  bool asked = false;               // it has given credit, and was asked for a proof
  std::size_t credit = 0;           // what it gave
  std::optional<Instant> trust_at;  // when it may have one job without a proof
  int unheard = 0;  // incarnations of this process in a row, before this one, that gave no proof
};

class Sessions {
 public:
  // Processes that have gone and are still known, for a HELLO or EXIT that comes late. Where nobody
  // sends EXIT, nothing else forgets them.
  static constexpr std::size_t kMaxGone = 4096;

  Session& Add(Session session);
  // By the nonce of the process; nullptr for one that never said HELLO.
  Session* FindBoot(const std::string& boot);
  // The latest process with this number on this host.
  Session* FindProcess(const std::string& host, std::int64_t pid);
  Session* FindIncarnation(IncarnationId incarnation);
  [[nodiscard]] const Session* FindIncarnation(IncarnationId incarnation) const;
  void Ended(IncarnationId incarnation, Instant now);
  // The processes of the host that have no incarnation, and of which nothing was heard for kLost: a
  // worker that lives says HELLO again within it, whatever has become of its links.
  [[nodiscard]] std::vector<const Session*> Lost(const std::string& host, Instant now) const;
  static constexpr Duration kLost = std::chrono::seconds(6);
  // Forgets a process that is known to have gone.
  void Remove(const std::string& boot);

  // A report of the incarnation came by this connection.
  void SeenOn(int fd, IncarnationId incarnation);
  // The connection has ended: whose it was, if anybody had reported by it. The number may already
  // belong to the next peer, so the one seen first is meant; it may have been Ended before.
  std::optional<IncarnationId> Disconnected(int fd);

  [[nodiscard]] std::size_t size() const { return by_boot_.size(); }

 private:
  std::map<std::string, Session> by_boot_;
  std::map<IncarnationId, std::string> boots_;  // of living incarnations
  // In the order of their first report, until the connection's end has been read: the incarnation
  // may have ended before.
  std::map<int, std::deque<IncarnationId>> by_fd_;
  std::set<IncarnationId> seen_;                            // all in by_fd_
  std::deque<std::pair<std::string, IncarnationId>> gone_;  // the longest gone first
};

}  // namespace millrace
