// The options of the sockets that the broker receives by: how much of one message it takes in
// before it has looked at it (PROTOCOL.md, Limits).
#pragma once

#include "common/config/topology.h"
#include "common/net/socket.h"

namespace millrace {

// A frame may have twice the topology's largest max_payload and a head, so that a result that is
// somewhat too large fails its item, by name, and only what is far beyond costs its sender the
// link. A message may have as much for each job that a worker may hold.
net::SocketOptions ReportsOptions(const Topology& topology);

// A request is one frame, a head.
net::SocketOptions ControlOptions();

}  // namespace millrace
