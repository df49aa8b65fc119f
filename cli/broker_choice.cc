#include "cli/broker_choice.h"

#include "cli/topology_choice.h"
#include "common/config/units.h"

namespace millrace::cli {
namespace {

constexpr const char* kDefaultEndpoint = "tcp://127.0.0.1:7710";

Result<std::string> AddressOf(const BrokerChoice& choice) {
  if (!choice.topology.empty()) {
    ASSIGN_OR_RETURN(const Topology topology, LoadElsewhere(choice.topology));
    return choice.moved_to.empty() ? topology.broker.ControlConnectEndpoint() : choice.moved_to;
  }
  return choice.endpoint.empty() ? kDefaultEndpoint : choice.endpoint;
}

// Whether a broker that gets it twice ends up as if it had got it once.
bool MayBeRepeated(const wire::ControlRequest& request) {
  return !std::holds_alternative<wire::RetryRequest>(request) &&
         !std::holds_alternative<wire::BackupRequest>(request);
}

std::string CheckDuration(const std::string& text) {
  const auto duration = ParseDuration(text);
  return duration ? "" : duration.error().message;
}

}  // namespace

void AddBrokerOptions(CLI::App& command, BrokerChoice& choice) {
  command
      .add_option("-t,--topology", choice.topology,
                  "Talk to this topology's broker; wins over --broker")
      ->type_name("TOPOLOGY");
  command
      .add_option(
          "--broker", choice.endpoint,
          std::string("Talk to the broker at this address (default: ") + kDefaultEndpoint + ")")
      ->type_name("tcp://HOST:PORT")
      ->envname("MILLRACE_BROKER");
}

void AddMovedBrokerOption(CLI::App& command, BrokerChoice& choice) {
  command
      .add_option("--broker", choice.moved_to,
                  "Talk to the broker at this address, not at the topology's: for one that is up "
                  "with another by --set")
      ->type_name("tcp://HOST:PORT");
}

Result<net::Endpoint> EndpointOf(const BrokerChoice& choice) {
  ASSIGN_OR_RETURN(const std::string address, AddressOf(choice));
  return net::ParseEndpoint(address);
}

void AddTimeoutOption(CLI::App& command, std::optional<Duration>& timeout,
                      const std::string& help) {
  command
      .add_option_function<std::string>(
          "--timeout", [&timeout](const std::string& text) { timeout = *ParseDuration(text); },
          help)
      ->check(CLI::Validator(CheckDuration, ""))
      ->type_name("DURATION");
}

void AddAnswerTimeoutOption(CLI::App& command, BrokerChoice& choice) {
  AddTimeoutOption(command, choice.timeout,
                   "How long the broker may take to answer, e.g. while it is started again "
                   "(default: " +
                       FormatDuration(kAnswerTimeout) + ")");
}

Result<std::unique_ptr<BrokerClient>> BrokerClient::Connect(const BrokerChoice& choice) {
  ASSIGN_OR_RETURN(const net::Endpoint endpoint, EndpointOf(choice));
  ASSIGN_OR_RETURN(net::Context context, net::Context::Create());
  ASSIGN_OR_RETURN(net::ControlClient client, net::ControlClient::Connect(context, endpoint));
  return std::unique_ptr<BrokerClient>(new BrokerClient(std::move(context), std::move(client),
                                                        choice.timeout.value_or(kAnswerTimeout)));
}

Result<wire::ControlReply> BrokerClient::Call(const wire::ControlRequest& request) {
  const SteadyClock clock;
  const Instant deadline = clock.Now() + timeout_;
  for (;;) {
    const Instant asked = clock.Now();
    const bool last = deadline - asked <= kAskAgain || !MayBeRepeated(request);
    auto reply = client_.Call(request, last ? deadline - asked : kAskAgain);
    // A refusal is an answer, and it comes before the time is over.
    if (reply || last || clock.Now() - asked < kAskAgain) return reply;
  }
}

}  // namespace millrace::cli
