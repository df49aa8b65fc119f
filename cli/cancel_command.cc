// millrace cancel RUN: ends it early.

#include <memory>

#include "cli/broker_choice.h"
#include "cli/command.h"
#include "cli/exit_status.h"

namespace millrace::cli {
namespace {

struct CancelOptions {
  BrokerChoice broker;
  std::uint64_t run = 0;
  std::string reason = "cancelled";
};

Result<void> Cancel(const CancelOptions& options) {
  ASSIGN_OR_RETURN(auto link, BrokerClient::Connect(options.broker));
  RETURN_IF_ERROR(
      link->Ask<wire::OkReply>(wire::CancelRequest{RunId(options.run), options.reason}));
  return {};
}

}  // namespace

void AddCancelCommand(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<CancelOptions>();
  CLI::App* command = app.add_subcommand(
      "cancel", "End a run early: what is in flight finishes, and its report is written");
  command->add_option("RUN", options->run, "The id that `millrace submit` printed")->required();
  AddBrokerOptions(*command, options->broker);
  AddAnswerTimeoutOption(*command, options->broker);
  command->add_option("--reason", options->reason, "Goes into the run's status")->type_name("TEXT");
  command->footer(
      "Submitted again, it goes on where it stopped.\n\n"
      "Example:\n"
      "  millrace cancel 7 --topology cluster.yaml");
  command->callback([options, &chosen] {
    chosen = [options] {
      const Result<void> cancelled = Cancel(*options);
      return cancelled ? kExitDone : PrintError(cancelled.error());
    };
  });
}

}  // namespace millrace::cli
