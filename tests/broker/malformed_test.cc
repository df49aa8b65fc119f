#include <doctest/doctest.h>

#include "broker/malformed_log.h"

using namespace millrace;

namespace {

const Error kError{ErrorCode::kProtocol, "why"};

std::string Peer(std::size_t number) { return "peer " + std::to_string(number); }

}  // namespace

TEST_CASE("a peer that connects anew for each message fills neither the log nor memory") {
  MalformedLog log;
  ManualClock clock;
  std::size_t lines = 0;
  constexpr std::size_t kMore = 5000;
  for (std::size_t i = 0; i < MalformedLog::kMaxPeers + kMore; ++i) {
    lines += log.Note(Peer(i), kError, clock.Now()).has_value();
  }
  CHECK(lines == MalformedLog::kMaxPeers);
  CHECK(log.count() == MalformedLog::kMaxPeers + kMore);
  clock.Advance(MalformedLog::kPause);
  CHECK(log.Note("another", kError, clock.Now()) ==
        "another sent a message that does not follow the protocol (6025 of all peers so far, 5000 "
        "of them of peers too many to name): why");
  CHECK(log.Note("a third", kError, clock.Now())->find("too many") == std::string::npos);
}

TEST_CASE("a peer that is known has its line, however many others there are") {
  MalformedLog log;
  ManualClock clock;
  for (std::size_t i = 0; i < MalformedLog::kMaxPeers; ++i) log.Note(Peer(i), kError, clock.Now());
  CHECK_FALSE(log.Note(Peer(0), kError, clock.Now()));
  CHECK_FALSE(log.Note("new", kError, clock.Now()));
  clock.Advance(MalformedLog::kPause);
  CHECK(log.Note(Peer(0), kError, clock.Now())->find("and 1 more") != std::string::npos);
}
