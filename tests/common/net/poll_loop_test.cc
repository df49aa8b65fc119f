#include "common/net/poll_loop.h"

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/os/unique_fd.h"

namespace millrace::net {
namespace {

struct Event {
  UniqueFd fd{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  void Set() const {
    const std::uint64_t one = 1;
    REQUIRE(write(fd.get(), &one, sizeof one) == sizeof one);
  }
};

TEST_CASE("a loop returns at its deadline, not before it, with nothing called") {
  const SteadyClock clock;
  const Event event;
  PollLoop loop;
  int calls = 0;
  loop.OnReadable(event.fd.get(), [&] { ++calls; });
  const Instant deadline = clock.Now() + std::chrono::microseconds(2500);
  REQUIRE(loop.RunOnce(clock, deadline));
  CHECK(clock.Now() >= deadline);
  CHECK(calls == 0);
}

TEST_CASE("a deadline that has passed still looks at what is ready") {
  const SteadyClock clock;
  const Event event;
  event.Set();
  PollLoop loop;
  int calls = 0;
  loop.OnReadable(event.fd.get(), [&] { ++calls; });
  REQUIRE(loop.RunOnce(clock, clock.Now() - std::chrono::hours(1)));
  CHECK(calls == 1);
}

TEST_CASE("a callback may remove itself, and another that is ready too") {
  const SteadyClock clock;
  const Event first;
  const Event second;
  first.Set();
  second.Set();
  PollLoop loop;
  int calls = 0;
  PollLoop::WatchId a = 0;
  PollLoop::WatchId b = 0;
  const auto once = [&] {
    ++calls;
    loop.Remove(a);
    loop.Remove(b);
  };
  a = loop.OnReadable(first.fd.get(), once);
  b = loop.OnReadable(second.fd.get(), once);
  REQUIRE(loop.RunOnce(clock, clock.Now()));
  REQUIRE(loop.RunOnce(clock, clock.Now()));
  CHECK(calls == 1);
}

}  // namespace
}  // namespace millrace::net
