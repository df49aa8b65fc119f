#include "common/net/socket.h"

#include <doctest/doctest.h>

#include <numeric>

#include "common/os/temp_dir.h"
#include "tests/common/net/await.h"

namespace millrace::net {
namespace {

Endpoint AnyPort() { return ParseEndpoint("tcp://127.0.0.1:0").value(); }

struct Pair {
  Context context = Context::Create().value();
  Socket sender = Socket::Open(context, SocketKind::kReportsSender).value();
  Socket receiver;

  explicit Pair(const SocketOptions& options = {})
      : receiver(Socket::Open(context, SocketKind::kReportsReceiver, options).value()) {
    REQUIRE(receiver.Bind(AnyPort()));
    REQUIRE(sender.Connect(receiver.BoundTo().value()));
    AwaitWritable(sender);
  }
};

Buffer Large(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return Buffer::Own(std::move(bytes));
}

TEST_CASE("a message arrives with its frames, the empty and the large among them") {
  Pair pair;
  const Buffer large = Large(3 << 20);
  REQUIRE(pair.sender.Send({Buffer::Copy("head"), Buffer(), large}).value());
  const Received received = AwaitMessage(pair.receiver);
  REQUIRE(received.frames.size() == 3);
  CHECK(received.frames[0].text() == "head");
  CHECK(received.frames[1].size() == 0);
  CHECK(received.frames[2].text() == large.text());
  CHECK(received.peer_fd >= 0);
  CHECK_FALSE(received.refused);
  CHECK_FALSE(pair.receiver.Receive().value().has_value());
}

TEST_CASE("a large buffer is shared with ZeroMQ while it is on its way, and then let go") {
  // The receiver is ours too, so the bytes can be seen to be others: a copy was made by the
  // kernel, not by Send.
  Pair pair;
  const Buffer large = Large(1 << 20);
  REQUIRE(large.owner().use_count() == 1);
  REQUIRE(pair.sender.Send({Buffer::Copy("head"), large}).value());
  const Received received = AwaitMessage(pair.receiver);
  CHECK(received.frames[1].data() != large.data());
  // Let go on the I/O thread, once all of it is written; closing the sockets waits for that.
  { const Pair moved = std::move(pair); }
  CHECK(large.owner().use_count() == 1);
}

TEST_CASE("a received buffer outlives its socket and its context") {
  Buffer kept;
  {
    Pair pair;
    REQUIRE(pair.sender.Send({Buffer::Copy("head"), Large(5000)}).value());
    kept = AwaitMessage(pair.receiver).frames[1];
  }
  CHECK(kept.text() == Large(5000).text());
}

TEST_CASE("a message over the limit of frames or bytes is refused, and the next one is whole") {
  Pair pair({.max_frames = 3, .max_message_bytes = 100});
  REQUIRE(pair.sender.Send(Frames(4, Buffer::Copy("x"))).value());
  REQUIRE(pair.sender.Send({Buffer::Copy(std::string(60, 'x')), Buffer::Copy(std::string(60, 'y'))})
              .value());
  REQUIRE(pair.sender.Send({Buffer::Copy("small")}).value());
  for (int i = 0; i < 2; ++i) {
    const Received refused = AwaitMessage(pair.receiver);
    CHECK(refused.refused);
    CHECK(refused.frames.empty());
    CHECK(refused.peer_fd >= 0);
  }
  CHECK(AwaitMessage(pair.receiver).frames[0].text() == "small");
}

TEST_CASE("nothing is queued for a peer that is not there") {
  Context context = Context::Create().value();
  Socket feed = Socket::Open(context, SocketKind::kFeedSender).value();
  REQUIRE(feed.Bind(AnyPort()));
  CHECK_FALSE(feed.Send({Buffer::Copy("lost"), Buffer::Copy("too")}).value());
  Socket worker = Socket::Open(context, SocketKind::kFeedReceiver).value();
  REQUIRE(worker.Connect(feed.BoundTo().value()));
  AwaitWritable(feed);
  CHECK(feed.Send({Buffer::Copy("kept")}).value());
  CHECK(AwaitMessage(worker).frames[0].text() == "kept");
}

TEST_CASE("credit alone bounds what a peer is sent: ten thousand messages wait for a slow one") {
  Pair pair;
  for (int i = 0; i < 10000; ++i) REQUIRE(pair.sender.Send({Buffer::Copy("x")}).value());
  for (int i = 0; i < 10000; ++i) CHECK(AwaitMessage(pair.receiver).frames.size() == 1);
}

TEST_CASE("an answer goes to the client that asked; one that has left is no error") {
  Context context = Context::Create().value();
  Socket server = Socket::Open(context, SocketKind::kControlServer).value();
  REQUIRE(server.Bind(AnyPort()));
  const Endpoint where = server.BoundTo().value();
  Socket first = Socket::Open(context, SocketKind::kControlClient).value();
  REQUIRE(first.Connect(where));
  REQUIRE(first.Send({Buffer::Copy("from first")}).value());
  const Received asked = AwaitMessage(server);
  CHECK(asked.frames.size() == 1);
  CHECK(asked.frames[0].text() == "from first");
  CHECK(asked.peer_fd >= 0);
  CHECK(server.SendTo(asked.identity, {Buffer::Copy("to first")}).value());
  CHECK(AwaitMessage(first).frames[0].text() == "to first");
  CHECK_FALSE(server.SendTo("nobody", {Buffer::Copy("x"), Buffer::Copy("y")}).value());
  CHECK(server.SendTo(asked.identity, {Buffer::Copy("again")}).value());
  CHECK(AwaitMessage(first).frames[0].text() == "again");
}

TEST_CASE("two sockets cannot bind one port, and the error names it") {
  Context context = Context::Create().value();
  Socket first = Socket::Open(context, SocketKind::kReportsReceiver).value();
  REQUIRE(first.Bind(AnyPort()));
  Socket second = Socket::Open(context, SocketKind::kReportsReceiver).value();
  const auto bound = second.Bind(first.BoundTo().value());
  REQUIRE_FALSE(bound);
  CHECK(bound.error().code == ErrorCode::kUnavailable);
  CHECK(bound.error().message.find(first.BoundTo()->Text()) != std::string::npos);
}

TEST_CASE("a context refuses more sockets than it was made for") {
  Context context = Context::Create(3).value();
  std::vector<Socket> sockets;
  Result<Socket> last = Socket::Open(context, SocketKind::kFeedSender);
  while (last && sockets.size() < 10) {
    sockets.push_back(std::move(*last));
    last = Socket::Open(context, SocketKind::kFeedSender);
  }
  CHECK(sockets.size() < 10);
  CHECK_FALSE(last);
}

TEST_CASE("links work over ipc as over tcp") {
  const auto folder = TempDir::Create();
  REQUIRE(folder);
  Context context = Context::Create().value();
  Socket receiver = Socket::Open(context, SocketKind::kReportsReceiver).value();
  const Endpoint where = ParseEndpoint("ipc://" + folder->path() + "/reports").value();
  REQUIRE(receiver.Bind(where));
  CHECK(receiver.BoundTo()->Text() == where.Text());
  Socket sender = Socket::Open(context, SocketKind::kReportsSender).value();
  REQUIRE(sender.Connect(where));
  AwaitWritable(sender);
  REQUIRE(sender.Send({Buffer::Copy("x")}).value());
  CHECK(AwaitMessage(receiver).frames[0].text() == "x");
}

}  // namespace
}  // namespace millrace::net
