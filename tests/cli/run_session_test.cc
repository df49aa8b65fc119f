#include "cli/run_session.h"

#include <doctest/doctest.h>

namespace millrace::cli {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

TEST_CASE("a run that is stopped waits as long as the broker may wait for its workers") {
  CHECK(LocalSession::LeaveDeadline(seconds(30)) == seconds(35));
  CHECK(LocalSession::LeaveDeadline(minutes(10)) == minutes(10) + seconds(5));
  CHECK(LocalSession::StopDeadline(minutes(10)) == minutes(10) + seconds(5));
  // Whatever the topology says, there is time for what is in flight.
  CHECK(LocalSession::LeaveDeadline(seconds(0)) == seconds(10));
  CHECK(LocalSession::StopDeadline(seconds(0)) == seconds(60));
}

}  // namespace
}  // namespace millrace::cli
