// Waiting for conditions in tests of sockets.
#pragma once

#include <doctest/doctest.h>

#include <functional>

#include "common/net/poll_loop.h"

namespace millrace::net {

// Runs the loop until the condition holds; fails the test after 60 s, which only a machine under
// heavy load comes near.
inline void Await(PollLoop& loop, const std::function<bool()>& condition) {
  const SteadyClock clock;
  const Instant deadline = clock.Now() + std::chrono::seconds(60);
  while (!condition()) {
    REQUIRE(clock.Now() < deadline);
    REQUIRE(loop.RunOnce(clock, deadline));
  }
}

// Waits for the next message of a socket.
inline Received AwaitMessage(Socket& socket) {
  PollLoop loop;
  std::optional<Received> message;
  loop.OnReadable(socket, [] {});
  Await(loop, [&] {
    auto received = socket.Receive();
    REQUIRE(received);
    message = std::move(*received);
    return message.has_value();
  });
  return std::move(*message);
}

inline void AwaitWritable(Socket& socket) {
  PollLoop loop;
  bool writable = false;
  loop.OnWritable(socket, [&] { writable = true; });
  Await(loop, [&] { return writable; });
}

// Waits for an event of that kind; others are passed over.
inline LinkEvent AwaitEvent(Monitor& monitor, LinkEventKind kind) {
  PollLoop loop;
  std::optional<LinkEvent> wanted;
  loop.OnReadable(monitor, [] {});
  Await(loop, [&] {
    auto event = monitor.Receive();
    REQUIRE(event);
    if (*event && (*event)->kind == kind) wanted = **event;
    return wanted.has_value();
  });
  return *wanted;
}

}  // namespace millrace::net
