// What is said of peers that send messages which do not follow the protocol: a line a minute for
// each peer, and how many it stands for.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/base/clock.h"
#include "common/base/result.h"

namespace millrace {

class MalformedLog {
 public:
  static constexpr Duration kPause = std::chrono::minutes(1);
  // Peers that are remembered. Beyond them, all heard of within the last minute, a new one is
  // counted and not named: whoever connects anew for each message does not fill the log.
  static constexpr std::size_t kMaxPeers = 1024;

  // The line to be logged; none where the peer had one within the last minute.
  std::optional<std::string> Note(const std::string& peer, const Error& error, Instant now);
  // The peer has gone: another may get its name. The last line of it, where messages of it were not
  // told of.
  std::optional<std::string> Forget(const std::string& peer);

  // Messages so far, of all peers.
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  struct Peer {
    Instant logged;
    std::uint64_t untold = 0;  // messages since then
  };
  bool MakeRoom(Instant now);

  std::map<std::string, Peer> peers_;
  std::uint64_t count_ = 0;
  std::uint64_t unnamed_ = 0;  // of `count_`: of peers there was no room for, not told of yet
};

}  // namespace millrace
