// Asks the broker, while a run goes on, for what has ended of it. None of it is promised: a client
// that needs all finds it in the run's files at the end.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/clock.h"
#include "common/net/control_client.h"

namespace millrace::cli {

// Who is told. Called from the session's loop.
class EndedSink {
 public:
  virtual ~EndedSink() = default;
  // Gives the bytes that were read for it, as far as it tells.
  virtual std::int64_t Take(const wire::EndedItem& item) = 0;
  // Called at every turn. False while it can take no more; never waits. An error ends the run.
  virtual Result<bool> Ready() = 0;
};

class EndedFollower {
 public:
  // All outlive the follower.
  EndedFollower(const Clock& clock, net::ControlClient& control, EndedSink& sink)
      : clock_(clock), control_(control), sink_(sink) {}

  // Asks where it is time to. An error is the sink's.
  Result<void> Step(RunId run);
  [[nodiscard]] std::optional<Instant> NextStep() const { return next_; }
  // There is a new broker, which has told nothing yet.
  void AskAnew();
  // Takes any reply; those to others are left alone. Gives the bytes that were read for what ended.
  std::int64_t OnReply(const wire::ReplyEnvelope& reply);

 private:
  static constexpr Duration kInterval = std::chrono::milliseconds(100);
  static constexpr Duration kAskAgain = std::chrono::seconds(2);

  const Clock& clock_;
  net::ControlClient& control_;
  EndedSink& sink_;
  std::uint64_t asked_ = 0;  // the latest request; 0: none is open
  std::uint64_t from_ = 0;
  std::optional<Instant> next_ = Instant{};  // nothing: a broker that does not know the request
};

}  // namespace millrace::cli
