// millrace pause RUN and millrace resume RUN.

#include <memory>

#include "cli/broker_choice.h"
#include "cli/command.h"
#include "cli/exit_status.h"

namespace millrace::cli {
namespace {

struct PauseOptions {
  BrokerChoice broker;
  std::uint64_t run = 0;
};

Result<void> Ask(const PauseOptions& options, const wire::ControlRequest& request) {
  ASSIGN_OR_RETURN(auto link, BrokerClient::Connect(options.broker));
  RETURN_IF_ERROR(link->Ask<wire::OkReply>(request));
  return {};
}

template <typename Request>
void AddCommand(CLI::App& app, Action& chosen, const std::string& name, const std::string& help,
                const std::string& footer) {
  auto options = std::make_shared<PauseOptions>();
  CLI::App* command = app.add_subcommand(name, help);
  command->add_option("RUN", options->run, "The id that `millrace submit` printed")->required();
  AddBrokerOptions(*command, options->broker);
  AddAnswerTimeoutOption(*command, options->broker);
  command->footer(footer);
  command->callback([options, &chosen] {
    chosen = [options] {
      const Result<void> done = Ask(*options, Request{RunId(options->run)});
      return done ? kExitDone : PrintError(done.error());
    };
  });
}

}  // namespace

void AddPauseCommand(CLI::App& app, Action& chosen) {
  AddCommand<wire::PauseRequest>(
      app, chosen, "pause", "Hold a run: nothing more of it is started until `millrace resume`",
      "What is being processed finishes. Other runs get the workers. Outlives the broker.\n\n"
      "Example:\n"
      "  millrace pause 7 --topology cluster.yaml");
}

void AddResumeCommand(CLI::App& app, Action& chosen) {
  AddCommand<wire::ResumeRequest>(app, chosen, "resume", "Go on with a run that was paused",
                                  "Example:\n  millrace resume 7 --topology cluster.yaml");
}

}  // namespace millrace::cli
