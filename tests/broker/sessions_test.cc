#include "broker/sessions.h"

#include <doctest/doctest.h>

using namespace millrace;

namespace {

constexpr Instant kNow{std::chrono::hours(1)};

Session SessionOf(std::uint64_t incarnation, const std::string& boot, std::int64_t pid) {
  Session session;
  session.incarnation = IncarnationId(incarnation);
  session.hello.boot = boot;
  session.hello.pid = pid;
  session.hello.host = "here";
  return session;
}

}  // namespace

TEST_CASE("a process is found by its nonce, its number and its incarnation") {
  Sessions sessions;
  sessions.Add(SessionOf(1, "x", 100));
  CHECK(sessions.FindBoot("x")->incarnation == IncarnationId(1));
  CHECK(sessions.FindProcess("here", 100)->hello.boot == "x");
  CHECK(sessions.FindProcess("elsewhere", 100) == nullptr);
  CHECK(sessions.FindIncarnation(IncarnationId(1))->hello.pid == 100);
}

TEST_CASE("a process number that was used again means the latest process") {
  Sessions sessions;
  sessions.Add(SessionOf(1, "old", 100));
  sessions.Add(SessionOf(2, "new", 100));
  CHECK(sessions.FindProcess("here", 100)->hello.boot == "new");
}

TEST_CASE("a descriptor that was used again names the connection that ended first") {
  Sessions sessions;
  sessions.Add(SessionOf(1, "a", 1));
  sessions.Add(SessionOf(2, "b", 2));
  sessions.SeenOn(9, IncarnationId(1));
  sessions.SeenOn(9, IncarnationId(2));  // the same number, before the first one's end was read
  CHECK(sessions.Disconnected(9) == IncarnationId(1));
  sessions.Ended(IncarnationId(1), kNow);
  CHECK(sessions.Disconnected(9) == IncarnationId(2));
  sessions.Ended(IncarnationId(2), kNow);
  CHECK_FALSE(sessions.Disconnected(9));
}

TEST_CASE("the end of an old incarnation leaves the new one of the same process alone") {
  Sessions sessions;
  sessions.Add(SessionOf(1, "a", 1));
  sessions.Add(SessionOf(2, "a", 1));
  sessions.Ended(IncarnationId(1), kNow);
  CHECK(sessions.FindBoot("a")->joined);
  sessions.Ended(IncarnationId(2), kNow);
  CHECK_FALSE(sessions.FindBoot("a")->joined);
}

TEST_CASE(
    "the end of a link that was given up before does not end the next one on its descriptor") {
  Sessions sessions;
  sessions.Add(SessionOf(1, "a", 1));
  sessions.SeenOn(9, IncarnationId(1));
  sessions.Ended(IncarnationId(1),
                 kNow);  // it said HELLO anew; the end of its link is yet to be read
  sessions.Add(SessionOf(2, "a", 1));
  sessions.SeenOn(9, IncarnationId(2));
  CHECK(sessions.Disconnected(9) != IncarnationId(2));
  CHECK(sessions.Disconnected(9) == IncarnationId(2));
}

TEST_CASE("only the latest processes that have gone are remembered") {
  Sessions sessions;
  sessions.Add(SessionOf(1, "living", 1));
  const std::uint64_t count = Sessions::kMaxGone + 10;
  for (std::uint64_t i = 2; i < count; ++i) {
    sessions.Add(SessionOf(i, std::to_string(i), static_cast<std::int64_t>(i)));
    sessions.Ended(IncarnationId(i), kNow);
  }
  CHECK(sessions.size() == Sessions::kMaxGone + 1);
  CHECK(sessions.FindBoot("living") != nullptr);
  CHECK(sessions.FindBoot("2") == nullptr);
  CHECK(sessions.FindBoot(std::to_string(count - 1)) != nullptr);
}

TEST_CASE("a process that came back is not forgotten as one that has gone") {
  Sessions sessions;
  sessions.Add(SessionOf(1, "back", 1));
  sessions.Ended(IncarnationId(1), kNow);
  sessions.Add(SessionOf(2, "back", 1));
  for (std::uint64_t i = 3; i < Sessions::kMaxGone + 20; ++i) {
    sessions.Add(SessionOf(i, std::to_string(i), static_cast<std::int64_t>(i)));
    sessions.Ended(IncarnationId(i), kNow);
  }
  REQUIRE(sessions.FindBoot("back") != nullptr);
  CHECK(sessions.FindBoot("back")->joined);
}

TEST_CASE("a process is lost once nothing was heard of it for a while after its link's end") {
  Sessions sessions;
  sessions.Add(SessionOf(1, "a", 10));
  sessions.Add(SessionOf(2, "b", 11));
  sessions.Ended(IncarnationId(1), kNow);
  CHECK(sessions.Lost("here", kNow + Sessions::kLost - std::chrono::milliseconds(1)).empty());
  const auto lost = sessions.Lost("here", kNow + Sessions::kLost);
  REQUIRE(lost.size() == 1);  // the other one is joined
  CHECK(lost[0]->hello.pid == 10);
  CHECK(sessions.Lost("elsewhere", kNow + Sessions::kLost).empty());

  sessions.FindBoot("a")->heard = kNow + std::chrono::seconds(1);  // a HELLO that was refused
  CHECK(sessions.Lost("here", kNow + Sessions::kLost).empty());
  sessions.Remove("a");
  CHECK(sessions.Lost("here", kNow + std::chrono::hours(1)).empty());
}
