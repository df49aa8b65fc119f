#include "broker/malformed_log.h"

#include <utility>

namespace millrace {

std::optional<std::string> MalformedLog::Note(const std::string& peer, const Error& error,
                                              Instant now) {
  ++count_;
  const auto known = peers_.find(peer);
  if (known != peers_.end() && now - known->second.logged < kPause) {
    ++known->second.untold;
    return std::nullopt;
  }
  if (known == peers_.end() && !MakeRoom(now)) {
    ++unnamed_;
    return std::nullopt;
  }
  Peer& entry = peers_[peer];
  entry.logged = now;
  std::string line = peer + " sent a message that does not follow the protocol";
  if (const std::uint64_t untold = std::exchange(entry.untold, 0); untold > 0) {
    line += ", and " + std::to_string(untold) + " more since that was last said of it";
  }
  line += " (" + std::to_string(count_) + " of all peers so far";
  if (const std::uint64_t unnamed = std::exchange(unnamed_, 0); unnamed > 0) {
    line += ", " + std::to_string(unnamed) + " of them of peers too many to name";
  }
  return line + "): " + error.message;
}

std::optional<std::string> MalformedLog::Forget(const std::string& peer) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return std::nullopt;
  const std::uint64_t untold = found->second.untold;
  peers_.erase(found);
  if (untold == 0) return std::nullopt;
  return peer + " has gone; it had sent " + std::to_string(untold) +
         " more messages that do not follow the protocol";
}

bool MalformedLog::MakeRoom(Instant now) {
  if (peers_.size() < kMaxPeers) return true;
  for (auto peer = peers_.begin(); peer != peers_.end();) {
    if (now - peer->second.logged < kPause) {
      ++peer;
      continue;
    }
    unnamed_ += peer->second.untold;
    peer = peers_.erase(peer);
  }
  return peers_.size() < kMaxPeers;
}

}  // namespace millrace
