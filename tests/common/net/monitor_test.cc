#include "common/net/monitor.h"

#include <doctest/doctest.h>

#include <optional>

#include "common/os/temp_dir.h"
#include "tests/common/net/await.h"

namespace millrace::net {
namespace {

struct Links {
  Context context = Context::Create().value();
  std::optional<Socket> server = Socket::Open(context, SocketKind::kReportsReceiver).value();
  std::optional<Monitor> server_monitor = Monitor::Open(context, *server).value();
  std::optional<Socket> client = Socket::Open(context, SocketKind::kReportsSender).value();
  std::optional<Monitor> client_monitor = Monitor::Open(context, *client).value();

  Links() { REQUIRE(server->Bind(ParseEndpoint("tcp://127.0.0.1:0").value())); }
};

TEST_CASE("a connection is accepted, used and lost under one descriptor") {
  Links links;
  REQUIRE(links.client->Connect(links.server->BoundTo().value()));
  const LinkEvent accepted = AwaitEvent(*links.server_monitor, LinkEventKind::kAccepted);
  CHECK(accepted.fd >= 0);
  AwaitWritable(*links.client);
  REQUIRE(links.client->Send({Buffer::Copy("x")}).value());
  CHECK(AwaitMessage(*links.server).peer_fd == accepted.fd);
  links.client_monitor.reset();  // it keeps its socket open, so both must go
  links.client.reset();
  CHECK(AwaitEvent(*links.server_monitor, LinkEventKind::kDisconnected).fd == accepted.fd);
}

TEST_CASE("a client sees its link shaken hands on, and lost, and it does not come back") {
  Links links;
  const Endpoint where = links.server->BoundTo().value();
  REQUIRE(links.client->Connect(where));
  AwaitEvent(*links.client_monitor, LinkEventKind::kHandshaken);
  CHECK(links.client->Writable());
  links.server_monitor.reset();
  links.server.reset();
  AwaitEvent(*links.client_monitor, LinkEventKind::kDisconnected);
  // Another now has the port; what was for one worker must not go to it.
  Socket thief = Socket::Open(links.context, SocketKind::kReportsReceiver).value();
  while (!thief.Bind(where)) {
  }
  Socket other = Socket::Open(links.context, SocketKind::kReportsSender).value();
  REQUIRE(other.Connect(where));
  AwaitWritable(other);
  REQUIRE(other.Send({Buffer::Copy("mine")}).value());
  CHECK_FALSE(links.client->Send({Buffer::Copy("not yours")}).value());
  CHECK(AwaitMessage(thief).frames[0].text() == "mine");
}

TEST_CASE("nobody listening is an event, not silence") {
  const TempDir folder = TempDir::Create().value();
  Links links;
  REQUIRE(links.client->Connect(ParseEndpoint("ipc://" + folder.path() + "/nobody").value()));
  AwaitEvent(*links.client_monitor, LinkEventKind::kClosed);
  CHECK_FALSE(links.client->Writable());
}

TEST_CASE("a socket and its monitor may go in either order while connections come") {
  for (int round = 0; round < 20; ++round) {
    Links links;
    REQUIRE(links.client->Connect(links.server->BoundTo().value()));
    if (round % 2 == 0) {
      links.server.reset();
      links.client.reset();
    }
  }
}

}  // namespace
}  // namespace millrace::net
