// Addresses: "tcp://HOST:PORT" and "ipc:///PATH".
#pragma once

#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/result.h"

namespace millrace::net {

enum class Transport { kTcp, kIpc };

struct Endpoint {
  Transport transport = Transport::kTcp;
  std::string host;  // tcp: a name or an address, an IPv6 one without its brackets; "*" to bind all
  int port = 0;      // tcp: 0 to bind any
  std::string path;  // ipc: absolute, at most 107 bytes (a Unix socket's limit)

  // As ZeroMQ wants it.
  [[nodiscard]] std::string Text() const;
};

// kUsage, saying what is wrong with it.
Result<Endpoint> ParseEndpoint(std::string_view text);

// Where WELCOME's `feed` and `reports` are, for one who said HELLO at `control`: the same host and
// that port, or that socket file in the same folder. kProtocol for a name that is neither.
Result<Endpoint> Beside(const Endpoint& control, std::string_view name);

// Both ends are on this machine: ipc, localhost, 127.*, ::1.
bool IsLocal(const Endpoint& endpoint);

// How long a peer may be silent before its link is lost. Between machines a PONG waits behind bulk
// in the same socket (a healthy worker was cut at 3 s); on one machine only a stopped process is
// silent.
inline constexpr Duration kLocalHeartbeat = std::chrono::seconds(2);
inline constexpr Duration kRemoteHeartbeat = std::chrono::seconds(30);
Duration HeartbeatFor(const Endpoint& endpoint);

}  // namespace millrace::net
