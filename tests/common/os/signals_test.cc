#include "common/os/signals.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <thread>

#include "common/os/child.h"

namespace millrace {
namespace {

bool Readable(const SignalFd& signals) {
  pollfd item{signals.fd(), POLLIN, 0};
  return poll(&item, 1, 0) == 1;
}

TEST_CASE("a signal becomes readable instead of ending the process") {
  auto signals = SignalFd::Open();
  REQUIRE(signals);
  while (signals->Next()) {  // the ends of earlier tests' children
  }
  CHECK_FALSE(Readable(*signals));
  kill(getpid(), SIGTERM);
  CHECK(Readable(*signals));
  CHECK(signals->Next() == SIGTERM);
  CHECK_FALSE(signals->Next().has_value());
  kill(getpid(), SIGINT);
  CHECK(signals->Next() == SIGINT);
}

// ThreadSanitizer holds a signal back until its thread makes a call that it knows, which one that
// waits in a futex does not.
#ifdef __SANITIZE_THREAD__
constexpr bool kSignalsAreHeldBack = true;
#else
constexpr bool kSignalsAreHeldBack = false;
#endif

TEST_CASE("a signal that a thread from before main is handed reaches the main thread" *
          doctest::skip(kSignalsAreHeldBack)) {
  auto signals = SignalFd::Open();
  REQUIRE(signals);
  while (signals->Next()) {  // the ends of earlier tests' children
  }
  std::atomic<bool> open = false;
  std::atomic<bool> done = false;
  std::thread early([&] {  // as if it had been started before SignalFd::Open
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_UNBLOCK, &all, nullptr);
    open = true;
    open.notify_one();
    done.wait(false);
  });
  open.wait(false);
  kill(getpid(), SIGTERM);
  pollfd item{signals->fd(), POLLIN, 0};
  bool seen = false;
  while (!seen && poll(&item, 1, 20000) == 1) {
    while (const std::optional<int> signal = signals->Next()) seen = seen || *signal == SIGTERM;
  }
  CHECK(seen);
  done = true;
  done.notify_one();
  early.join();
}

TEST_CASE("the end of a child becomes readable") {
  auto signals = SignalFd::Open();
  REQUIRE(signals);
  while (signals->Next()) {
  }
  auto child = Child::Start({.executable = "/bin/true"});
  REQUIRE(child);
  pollfd item{signals->fd(), POLLIN, 0};
  REQUIRE(poll(&item, 1, 20000) == 1);
  CHECK(signals->Next() == SIGCHLD);
  CHECK(child->Wait() == ChildEnd{});
}

TEST_CASE("writing to a pipe that nobody reads is an error, not the end") {
  auto signals = SignalFd::Open();
  REQUIRE(signals);
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  close(ends[0]);
  CHECK(write(ends[1], "x", 1) == -1);
  CHECK(errno == EPIPE);
  close(ends[1]);
}

TEST_CASE("a signal that the process was told to ignore stays ignored, but for SIGTERM") {
  auto before = SignalFd::Open();  // takes what an earlier test left blocked
  REQUIRE(before);
  for (const int ignored : {SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) {
    CAPTURE(ignored);
    struct sigaction old {};
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    sigaction(ignored, &ignore, &old);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, ignored);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    auto signals = SignalFd::Open();
    REQUIRE(signals);
    kill(getpid(), ignored);
    CHECK_FALSE(signals->Next().has_value());
    sigaction(ignored, &old, nullptr);
  }
}

TEST_CASE("a hangup that waits beside another order to leave is not told") {
  auto signals = SignalFd::Open();
  REQUIRE(signals);
  while (signals->Next()) {  // the ends of earlier tests' children
  }
  kill(getpid(), SIGTERM);
  kill(getpid(), SIGHUP);  // told first, by its number
  CHECK(signals->Next() == SIGTERM);
  CHECK_FALSE(signals->Next().has_value());
}

TEST_CASE("a hangup is told once, and not at all behind another order to leave") {
  auto signals = SignalFd::Open();
  REQUIRE(signals);
  while (signals->Next()) {  // the ends of earlier tests' children
  }
  kill(getpid(), SIGHUP);
  CHECK(signals->Next() == SIGHUP);
  kill(getpid(), SIGHUP);
  CHECK_FALSE(signals->Next().has_value());
  kill(getpid(), SIGTERM);
  CHECK(signals->Next() == SIGTERM);
  auto others = SignalFd::Open();
  REQUIRE(others);
  kill(getpid(), SIGTERM);
  CHECK(others->Next() == SIGTERM);
  kill(getpid(), SIGHUP);
  CHECK_FALSE(others->Next().has_value());
}

using Meaning = StopSignals::Meaning;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
constexpr Instant kStart{std::chrono::hours(1)};

TEST_CASE("a signal that comes again within a second of the first is the same order") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2}) {
    CAPTURE(signal);
    StopSignals signals;
    CHECK(signals.Take(signal, kStart) == Meaning::kDrain);
    CHECK(signals.Take(signal, kStart + milliseconds(13)) == Meaning::kSame);
    CHECK(signals.Take(SIGHUP, kStart + milliseconds(500)) == Meaning::kSame);
    CHECK(signals.Take(SIGTERM, kStart + milliseconds(999)) == Meaning::kSame);
  }
}

TEST_CASE("a second interrupt or SIGTERM, a second later, means at once") {
  for (const int signal : {SIGINT, SIGTERM}) {
    CAPTURE(signal);
    StopSignals signals;
    CHECK(signals.Take(signal, kStart) == Meaning::kDrain);
    CHECK(signals.Take(signal, kStart + milliseconds(13)) == Meaning::kSame);
    CHECK(signals.Take(signal, kStart + seconds(1)) == Meaning::kAtOnce);
    CHECK(signals.Take(signal, kStart + seconds(1)) == Meaning::kAtOnce);
  }
}

TEST_CASE("a warning a minute before SIGTERM, which comes twice, is no reason to hurry") {
  StopSignals signals;
  CHECK(signals.Take(SIGUSR1, kStart) == Meaning::kDrain);
  CHECK(signals.Take(SIGUSR1, kStart + seconds(5)) == Meaning::kNoted);
  CHECK(signals.Take(SIGTERM, kStart + minutes(1)) == Meaning::kNoted);
  CHECK(signals.Take(SIGTERM, kStart + minutes(1) + milliseconds(13)) == Meaning::kSame);
  CHECK(signals.Take(SIGINT, kStart + minutes(2)) == Meaning::kNoted);
  CHECK(signals.Take(SIGTERM, kStart + minutes(2)) == Meaning::kAtOnce);
}

TEST_CASE("hangups and user signals never mean at once, however often they come") {
  for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2}) {
    CAPTURE(signal);
    StopSignals signals;
    CHECK(signals.Take(signal, kStart) == Meaning::kDrain);
    for (int i = 1; i < 5; ++i) CHECK(signals.Take(signal, kStart + minutes(i)) == Meaning::kNoted);
  }
}

}  // namespace
}  // namespace millrace
