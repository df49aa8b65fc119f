// millrace submit TOPOLOGY INPUT OUTPUT: hands a run to a pipeline that is up already.

#include <fmt/format.h>

#include <memory>

#include "cli/broker_choice.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/run_input.h"
#include "cli/topology_choice.h"

namespace millrace::cli {
namespace {

struct SubmitOptions {
  BrokerChoice broker;
  InputSelection input;
};

Result<RunId> SubmitRun(const SubmitOptions& options) {
  ASSIGN_OR_RETURN(const Topology topology, LoadElsewhere(options.broker.topology));
  ASSIGN_OR_RETURN(const net::Endpoint broker, EndpointOf(options.broker));
  // A local address may be a tunnel's end.
  const bool here = topology.broker.Local() && net::IsLocal(broker);
  ASSIGN_OR_RETURN(wire::Submit submit,
                   MakeSubmit(options.input, here ? InputIs::kHere : InputIs::kElsewhere, ""));
  ASSIGN_OR_RETURN(auto link, BrokerClient::Connect(options.broker));
  ASSIGN_OR_RETURN(const auto submitted, link->Ask<wire::Submitted>(std::move(submit)));
  return submitted.run;
}

}  // namespace

void AddSubmitCommand(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<SubmitOptions>();
  CLI::App* command = app.add_subcommand(
      "submit", "Start a run on a pipeline that is up, and print the run's id alone");
  command
      ->add_option("TOPOLOGY", options->broker.topology,
                   "The topology that is up: a file, or a name as for `millrace run`")
      ->required();
  AddInputOptions(*command, options->input);
  AddMovedBrokerOption(*command, options->broker);
  AddAnswerTimeoutOption(*command, options->broker);
  command->footer(
      "INPUT and OUTPUT are paths on the machines where the stages run. Only what is not done yet\n"
      "is done; a run of the same INPUT, OUTPUT and options that has not ended is the one that "
      "goes\n"
      "on.\n\n"
      "Examples:\n"
      "  run=$(millrace submit cluster.yaml /photos /masks)\n"
      "  millrace wait $run --topology cluster.yaml --fail-on 1%");
  command->callback([options, &chosen] {
    chosen = [options] {
      const Result<RunId> run = SubmitRun(*options);
      if (!run) return PrintError(run.error());
      fmt::print("{}\n", run->value());
      return kExitDone;
    };
  });
}

}  // namespace millrace::cli
