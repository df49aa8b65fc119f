// Which broker a command talks to, and the talking.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/net/context.h"
#include "common/net/control_client.h"

namespace millrace::cli {

struct BrokerChoice {
  std::string topology;  // its broker; "": none given
  std::string endpoint;  // "tcp://host:7710"; "": none given
};

// --topology and --broker, with MILLRACE_BROKER for a default.
void AddBrokerOptions(CLI::App& command, BrokerChoice& choice);

// For requests, one at a time.
class BrokerLink {
 public:
  static Result<std::unique_ptr<BrokerLink>> Connect(const BrokerChoice& choice);

  [[nodiscard]] net::ControlClient& control() { return client_; }

  // Waits at most kPatience. An error reply is an Error; so is any reply but a `Reply`.
  template <typename Reply>
  Result<Reply> Ask(wire::ControlRequest request) {
    ASSIGN_OR_RETURN(wire::ControlReply reply, client_.Call(std::move(request), kPatience));
    if (auto* wanted = std::get_if<Reply>(&reply)) return std::move(*wanted);
    return Fail(ErrorCode::kProtocol, "the broker gives an answer to another question");
  }

 private:
  static constexpr Duration kPatience = std::chrono::seconds(5);

  BrokerLink(net::Context context, net::ControlClient client)
      : context_(std::move(context)), client_(std::move(client)) {}

  net::Context context_;
  net::ControlClient client_;
};

}  // namespace millrace::cli
