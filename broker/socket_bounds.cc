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
  for (const StageConfig& stage : topology.stages) largest = std::max(largest, stage.max_payload);
  // Four times as much and two heads are still a number.
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 4 - kHeadBytes;
  largest = std::min(largest, kMost);
  net::SocketOptions options;
  options.heartbeat = topology.broker.heartbeat;
  options.max_frame_bytes = 2 * largest + kHeadBytes;
  options.max_message_bytes = 2 * static_cast<std::size_t>(options.max_frame_bytes);
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
