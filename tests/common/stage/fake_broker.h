// A broker for one worker, driven by a test step by step: real sockets, no queue.
#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/net/context.h"
#include "common/net/poll_loop.h"
#include "common/net/socket.h"
#include "common/os/temp_dir.h"
#include "common/wire/messages.h"

namespace millrace {

// A busy machine may keep a process from answering for longer than the heartbeat that links on one
// machine are given; tests are not about that.
inline constexpr Duration kPatience = std::chrono::seconds(20);

// Lives on the test's thread. While it waits for one thing it answers beats and, unless told not
// to, confirms every report; other reports are kept in order for later.
class FakeBroker {
 public:
  FakeBroker();

  [[nodiscard]] net::Endpoint control() const;
  // Waits for the worker to say HELLO.
  wire::Hello AwaitHello();
  // Answers the last HELLO: a new feed under a new name, a new incarnation.
  void Welcome();
  void Refuse(const Error& error);
  // HELLO, WELCOME and the first credit; the number of slots.
  std::int64_t Join();

  void Send(const wire::FeedMessage& message);
  // One job a key, with ids counted on from 1, and a payload part for each.
  std::vector<wire::Lease> SendJobs(const std::vector<std::string>& keys, bool alone = false);
  // Waits for somebody to tell of a worker's end, and says that it has heard.
  wire::Exit AwaitExit();
  // Whether another one has been told of.
  bool HasExit();
  // Closes the feed, as a broker does that ends an incarnation.
  void EndIncarnation();
  void StopConfirming() { confirming_ = false; }
  void StopAnsweringBeats() { answering_beats_ = false; }

  // Waits for the next report of that kind, which may already be there.
  template <typename Report>
  Report Await() {
    std::optional<Report> found;
    AwaitCondition([&] {
      for (auto it = reports_.begin(); it != reports_.end() && !found; ++it) {
        if (auto* report = std::get_if<Report>(&*it)) {
          found = std::move(*report);
          reports_.erase(it);
          break;
        }
      }
      return found.has_value();
    });
    return std::move(*found);
  }
  // Reports of that kind that have come and were not waited for.
  template <typename Report>
  int Count() {
    Pump();
    int count = 0;
    for (const auto& report : reports_) count += std::holds_alternative<Report>(report) ? 1 : 0;
    return count;
  }
  // Answers what comes until the condition holds; fails the test after 20 s.
  void AwaitCondition(const std::function<bool()>& condition);

  [[nodiscard]] const wire::Link& link() const { return link_; }
  [[nodiscard]] int beats() const { return beats_; }

  std::int64_t lease_ms = 5000;
  std::int64_t beat_ms = 20;
  std::int64_t max_payload = 1 << 20;

 private:
  void Pump();
  void AwaitFeed();
  void Answer(const wire::FeedMessage& message);
  void TakeReport(wire::ReportMessage report);
  void Confirm(const wire::ReportMessage& report);

  TempDir folder_;
  net::Context context_;
  net::Socket control_;
  net::Socket reports_socket_;
  std::optional<net::Socket> feed_;
  bool feed_up_ = false;
  net::PollLoop loop_;

  std::deque<wire::ReportMessage> reports_;
  std::optional<wire::Hello> hello_;
  std::optional<wire::Exit> exit_;
  std::string hello_identity_;
  std::uint64_t hello_id_ = 0;
  wire::Link link_;
  std::uint64_t last_job_ = 0;
  int beats_ = 0;
  bool confirming_ = true;
  bool answering_beats_ = true;
};

}  // namespace millrace
