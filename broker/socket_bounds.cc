#include "broker/socket_bounds.h"

#include <algorithm>
#include <limits>

#include "common/wire/codec.h"

namespace millrace {
namespace {

constexpr auto kHeadBytes = static_cast<std::int64_t>(wire::kMaxHeadBytes);

}  // namespace

net::SocketOptions ReportsOptions(const Topology& topology) {
  std::int64_t largest = 0;
  std::int64_t results = 2;  // that a worker may have for one message
  for (const StageConfig& stage : topology.stages) {
    largest = std::max(largest, stage.max_payload);
    results = std::max<std::int64_t>(results, stage.credit);
  }
  // Twice as much for each result, with a head, is still a number.
  const std::int64_t most = std::numeric_limits<std::int64_t>::max() / results / 2 - kHeadBytes;
  largest = std::min(largest, most);
  net::SocketOptions options;
  options.heartbeat = topology.broker.heartbeat;
  options.max_frame_bytes = 2 * largest + kHeadBytes;
  options.max_message_bytes = static_cast<std::size_t>(results * options.max_frame_bytes);
  return options;
}

net::SocketOptions ControlOptions() {
  net::SocketOptions options;
  options.heartbeat = Duration::zero();  // whoever asks sets a deadline of its own
  options.max_frame_bytes = kHeadBytes;
  options.max_message_bytes = wire::kMaxHeadBytes;
  options.max_frames = 4;
  return options;
}

}  // namespace millrace
