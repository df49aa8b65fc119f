#include "cli/broker_choice.h"

#include "cli/topology_choice.h"
#include "common/net/endpoint.h"

namespace millrace::cli {
namespace {

constexpr const char* kDefaultEndpoint = "tcp://127.0.0.1:7710";

Result<std::string> EndpointOf(const BrokerChoice& choice) {
  if (!choice.topology.empty()) {
    ASSIGN_OR_RETURN(const Topology topology, LoadElsewhere(choice.topology));
    return topology.broker.ControlConnectEndpoint();
  }
  return choice.endpoint.empty() ? kDefaultEndpoint : choice.endpoint;
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

Result<std::unique_ptr<BrokerLink>> BrokerLink::Connect(const BrokerChoice& choice) {
  ASSIGN_OR_RETURN(const std::string text, EndpointOf(choice));
  ASSIGN_OR_RETURN(const net::Endpoint endpoint, net::ParseEndpoint(text));
  ASSIGN_OR_RETURN(net::Context context, net::Context::Create());
  ASSIGN_OR_RETURN(net::ControlClient client, net::ControlClient::Connect(context, endpoint));
  return std::unique_ptr<BrokerLink>(new BrokerLink(std::move(context), std::move(client)));
}

}  // namespace millrace::cli
