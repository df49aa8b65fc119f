// What the broker's sockets take in, over real links.
#include "broker/socket_bounds.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "common/net/monitor.h"
#include "common/wire/codec.h"
#include "tests/common/net/await.h"

using namespace millrace;
using namespace millrace::net;

namespace {

struct Link {
  Link(SocketKind receiving, SocketKind sending, const SocketOptions& options)
      : sender(Socket::Open(context, sending).value()),
        receiver(Socket::Open(context, receiving, options).value()),
        monitor(Monitor::Open(context, receiver).value()) {
    REQUIRE(receiver.Bind(ParseEndpoint("tcp://127.0.0.1:0").value()));
    REQUIRE(sender.Connect(receiver.BoundTo().value()));
    AwaitWritable(sender);
  }
  void Send(const std::vector<std::size_t>& frames) {
    Frames message;
    for (const std::size_t bytes : frames) message.push_back(Buffer::Own(std::string(bytes, 'x')));
    REQUIRE(sender.Send(std::move(message)).value());
  }

  Context context = Context::Create().value();
  Socket sender;
  Socket receiver;
  Monitor monitor;
};

constexpr std::size_t kPayload = 1 << 20;

SocketOptions OfStages() {
  Topology topology;
  topology.stages.resize(3);
  for (StageConfig& stage : topology.stages) stage.max_payload = 1000;
  topology.stages[1].max_payload = kPayload;
  return ReportsOptions(topology);
}

}  // namespace

TEST_CASE("a result somewhat over the largest max_payload comes in, and a head with it") {
  Link link(SocketKind::kReportsReceiver, SocketKind::kReportsSender, OfStages());
  link.Send({wire::kMaxHeadBytes, 2 * kPayload});
  const Received received = AwaitMessage(link.receiver);
  CHECK_FALSE(received.refused);
  CHECK(received.frames.size() == 2);
}

TEST_CASE("a frame that no topology's payload could be costs its sender the link") {
  Link link(SocketKind::kReportsReceiver, SocketKind::kReportsSender, OfStages());
  link.Send({100, 2 * kPayload + wire::kMaxHeadBytes + 1});
  AwaitEvent(link.monitor, LinkEventKind::kDisconnected);
  CHECK_FALSE(link.receiver.Receive().value().has_value());
}

TEST_CASE("a report of many frames is bounded as a whole") {
  Link link(SocketKind::kReportsReceiver, SocketKind::kReportsSender, OfStages());
  const std::size_t frame = 2 * kPayload + wire::kMaxHeadBytes;
  link.Send({100, frame, frame});
  link.Send({100});
  CHECK(AwaitMessage(link.receiver).refused);
  CHECK_FALSE(AwaitMessage(link.receiver).refused);
}

TEST_CASE("a request is one head: two of them, or many frames, are not taken in") {
  Link link(SocketKind::kControlServer, SocketKind::kControlClient, ControlOptions());
  link.Send({wire::kMaxHeadBytes});
  link.Send({wire::kMaxHeadBytes, 1});
  link.Send({1, 1, 1, 1, 1});
  link.Send({1});
  CHECK_FALSE(AwaitMessage(link.receiver).refused);
  CHECK(AwaitMessage(link.receiver).refused);
  CHECK(AwaitMessage(link.receiver).refused);
  CHECK_FALSE(AwaitMessage(link.receiver).refused);
}

TEST_CASE("the largest max_payload that can be written has bounds too") {
  Topology topology;
  topology.stages.resize(1);
  topology.stages[0].max_payload = std::numeric_limits<std::int64_t>::max();
  const SocketOptions options = ReportsOptions(topology);
  CHECK(options.max_frame_bytes > std::int64_t{1} << 60);
  CHECK(options.max_message_bytes > static_cast<std::size_t>(options.max_frame_bytes));
}
