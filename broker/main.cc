#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "broker/service.h"
#include "common/base/log.h"
#include "common/config/load.h"

int main(int argc, char** argv) {
  CLI::App app("millrace-broker: the queues, leases and accounts of one topology.");
  std::string file;
  std::string level;
  std::string state;
  millrace::BrokerOptions options;
  app.add_option("--topology", file, "The topology file")->required()->type_name("FILE");
  app.add_option("--state", state, "Where to keep the state, instead of the file's broker.state")
      ->type_name("DIR");
  app.add_option("--log-level", level, "trace, debug, info, warn, error or off");
  app.add_flag("--hold", options.hold,
               "Leave runs that an earlier broker did not finish until they are submitted again");
  app.set_version_flag("--version", "millrace-broker " MILLRACE_VERSION);
  CLI11_PARSE(app, argc, argv);

  const auto fail = [](const millrace::Error& error) {
    std::fprintf(stderr, "millrace-broker: %s\n", error.message.c_str());
    return error.code == millrace::ErrorCode::kUsage ? 2 : 3;
  };
  millrace::Result<millrace::Topology> topology = millrace::LoadTopology(file);
  if (!topology) return fail({millrace::ErrorCode::kUsage, topology.error().message});
  if (!state.empty()) topology->broker.state = state;
  millrace::Result<millrace::SignalFd> signals = millrace::SignalFd::Open();
  if (!signals) return fail(signals.error());
  const auto log =
      millrace::MakeLogger("broker", level.empty() ? topology->broker.log_level : level);
  const millrace::SteadyClock clock;
  options.supervised = std::getenv("MILLRACE_SUPERVISED") != nullptr;
  auto service = millrace::BrokerService::Create(std::move(*topology), options, clock,
                                                 std::move(*signals), log);
  if (!service) return fail(service.error());
  const millrace::Result<void> served = (*service)->Serve();
  return served ? 0 : fail(served.error());
}
