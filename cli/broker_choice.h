// Which broker a command talks to, and the talking.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/net/context.h"
#include "common/net/control_client.h"
#include "common/net/endpoint.h"

namespace millrace::cli {

// How long a broker may take to answer, unless --timeout says another time.
inline constexpr Duration kAnswerTimeout = std::chrono::seconds(5);

struct BrokerChoice {
  std::string topology;             // its broker; "": none given
  std::string endpoint;             // "tcp://host:7710"; "": none given
  std::string moved_to;             // where the topology's broker is instead; "": where it says
  std::optional<Duration> timeout;  // for an answer; nullopt: kAnswerTimeout
};

// --topology and --broker, with MILLRACE_BROKER for a default.
void AddBrokerOptions(CLI::App& command, BrokerChoice& choice);
// --broker, for a command that names a topology in any case.
void AddMovedBrokerOption(CLI::App& command, BrokerChoice& choice);
// Where the broker is. Loads the topology, if need be.
Result<net::Endpoint> EndpointOf(const BrokerChoice& choice);
// --timeout DURATION.
void AddTimeoutOption(CLI::App& command, std::optional<Duration>& timeout, const std::string& help);
void AddAnswerTimeoutOption(CLI::App& command, BrokerChoice& choice);

// For requests, one at a time.
class BrokerClient {
 public:
  static Result<std::unique_ptr<BrokerClient>> Connect(const BrokerChoice& choice);

  [[nodiscard]] net::ControlClient& control() { return client_; }

  // Waits as long as the choice's timeout says. An error reply is an Error; so is any reply but a
  // `Reply`. A request that the broker may have lost in dying is sent again where that does no
  // harm.
  template <typename Reply>
  Result<Reply> Ask(const wire::ControlRequest& request) {
    ASSIGN_OR_RETURN(wire::ControlReply reply, Call(request));
    if (auto* wanted = std::get_if<Reply>(&reply)) return std::move(*wanted);
    return Fail(ErrorCode::kProtocol, "the broker gives an answer to another question");
  }

  static constexpr Duration kAskAgain = std::chrono::seconds(2);

 private:
  BrokerClient(net::Context context, net::ControlClient client, Duration timeout)
      : context_(std::move(context)), client_(std::move(client)), timeout_(timeout) {}
  Result<wire::ControlReply> Call(const wire::ControlRequest& request);

  net::Context context_;
  net::ControlClient client_;
  const Duration timeout_;
};

}  // namespace millrace::cli
