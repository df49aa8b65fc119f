#include "common/net/endpoint.h"

#include <doctest/doctest.h>

namespace millrace::net {
namespace {

TEST_CASE("an address reads back as it was written") {
  for (const char* text : {"tcp://127.0.0.1:7710", "tcp://broker.example:1", "tcp://[::1]:7710",
                           "tcp://*:0", "ipc:///tmp/mr-abcdef/control"}) {
    const auto endpoint = ParseEndpoint(text);
    REQUIRE(endpoint);
    CHECK(endpoint->Text() == text);
  }
}

TEST_CASE("what is no address is refused with what is wrong") {
  for (const char* text :
       {"", "127.0.0.1:7710", "udp://a:1", "tcp://a", "tcp://:1", "tcp://a:", "tcp://a:70000",
        "tcp://a:-1", "tcp://a:12x", "ipc://relative", "ipc://"}) {
    CAPTURE(text);
    const auto endpoint = ParseEndpoint(text);
    REQUIRE_FALSE(endpoint);
    CHECK(endpoint.error().code == ErrorCode::kUsage);
  }
  CHECK_FALSE(ParseEndpoint("ipc:///" + std::string(107, 'x')));
  CHECK(ParseEndpoint("ipc:///" + std::string(106, 'x')));
}

TEST_CASE("a link lies beside the control socket that a worker said HELLO at") {
  const Endpoint tcp = ParseEndpoint("tcp://broker:7710").value();
  CHECK(Beside(tcp, "7720")->Text() == "tcp://broker:7720");
  const Endpoint ipc = ParseEndpoint("ipc:///tmp/mr-abcdef/control").value();
  CHECK(Beside(ipc, "feed-17")->Text() == "ipc:///tmp/mr-abcdef/feed-17");
}

TEST_CASE("a link's name cannot lead elsewhere") {
  const Endpoint tcp = ParseEndpoint("tcp://broker:7710").value();
  const Endpoint ipc = ParseEndpoint("ipc:///tmp/mr-abcdef/control").value();
  for (const char* name : {"", "0", "x", "70000", "7720 "}) CHECK_FALSE(Beside(tcp, name));
  for (const std::string& name : {std::string(), std::string("../x"), std::string(120, 'x')}) {
    CHECK_FALSE(Beside(ipc, name));
  }
}

TEST_CASE("only a link on one machine is expected to answer within a second") {
  const auto heartbeat = [](const char* text) { return HeartbeatFor(ParseEndpoint(text).value()); };
  for (const char* text : {"ipc:///x", "tcp://localhost:1", "tcp://127.0.0.1:1", "tcp://[::1]:1"}) {
    CHECK(heartbeat(text) == kLocalHeartbeat);
  }
  CHECK(heartbeat("tcp://10.0.0.1:1") >= std::chrono::seconds(30));
}

}  // namespace
}  // namespace millrace::net
