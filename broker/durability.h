// What the broker asks of its state, and what must wait for the disk: nobody is told of what is not
// on it. Where the state cannot be written, nothing more is asked or told.
#pragma once

#include <spdlog/logger.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "broker/actions.h"
#include "broker/env.h"
#include "broker/state/requests.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/wire/messages.h"

namespace millrace {

class Durability {
 public:
  using Done = std::function<void(Result<StateAnswer>)>;

  // `env` and `clock` must outlive it.
  Durability(BrokerEnv& env, Epoch epoch, const Clock& clock, std::shared_ptr<spdlog::logger> log)
      : env_(env), epoch_(epoch), clock_(clock), log_(std::move(log)) {}

  // `done` is called with the answer once the request is on disk; with an error where the state
  // breaks before. A broken state is asked nothing. Gives the request's number.
  std::uint64_t Post(StateRequest request, Done done = nullptr);

  // Sent once all that was posted so far is on disk.
  void Confirm(SendConfirm confirm);
  void Reply(std::string identity, std::uint64_t request, wire::ControlReply reply);
  // Sent once the request of this number is.
  void ReplyAfter(std::uint64_t number, std::string identity, std::uint64_t request,
                  wire::ControlReply reply);

  // The state has told something.
  void OnState();
  // Confirmations and replies about what is on disk by now.
  void Release();

  // Why the state can write nothing any more.
  [[nodiscard]] const std::optional<Error>& broken() const { return broken_; }
  // When the broker leaves over that.
  [[nodiscard]] Instant broken_until() const { return broken_until_; }
  // Everything posted is on disk and answered.
  [[nodiscard]] bool idle() const { return asked_.empty() && env_.StateIdle(); }

 private:
  // Each with the last request to the state that was made before it.
  struct HeldConfirm {
    std::uint64_t after = 0;
    SendConfirm confirm;
  };
  struct HeldReply {
    std::uint64_t after = 0;
    std::string identity;
    std::uint64_t request = 0;
    wire::ControlReply reply;
  };

  void Break(const Error& error);

  BrokerEnv& env_;
  const Epoch epoch_;
  const Clock& clock_;
  std::shared_ptr<spdlog::logger> log_;
  std::map<std::uint64_t, Done> asked_;  // and not answered
  std::uint64_t last_posted_ = 0;
  std::uint64_t durable_ = 0;  // of what was posted
  std::deque<HeldConfirm> held_confirms_;
  std::deque<HeldReply> held_replies_;
  std::optional<Error> broken_;
  Instant broken_until_;
};

}  // namespace millrace
