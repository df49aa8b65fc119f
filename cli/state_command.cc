// millrace state backup FILE: a copy of what a broker remembers, made while it serves.

#include <fmt/format.h>

#include <memory>

#include "cli/broker_choice.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/run_input.h"

namespace millrace::cli {
namespace {

// A state of many millions of items takes minutes to copy.
constexpr Duration kBackupTimeout = std::chrono::hours(1);

struct BackupOptions {
  BrokerChoice broker;
  std::string file;
};

// Whether a broker is there is asked first, and patience is for the copy alone.
Result<void> FindBroker(const BackupOptions& options) {
  BrokerChoice broker = options.broker;
  broker.timeout = kAnswerTimeout;
  ASSIGN_OR_RETURN(auto link, BrokerClient::Connect(broker));
  const auto status = link->Ask<wire::StatusReply>(wire::StatusRequest{});
  if (status) return {};
  if (status.error().code != ErrorCode::kUnavailable) return Fail(status.error());
  return Fail(
      ErrorCode::kUnavailable,
      status.error().message +
          "; while none runs, the files of its state (`broker.state` in the topology, "
          "OUTPUT/.millrace for `millrace run`) can simply be copied, all of them together");
}

Result<void> Backup(const BackupOptions& options) {
  RETURN_IF_ERROR(FindBroker(options));
  BrokerChoice broker = options.broker;
  broker.timeout = options.broker.timeout.value_or(kBackupTimeout);
  ASSIGN_OR_RETURN(auto link, BrokerClient::Connect(broker));
  RETURN_IF_ERROR(link->Ask<wire::OkReply>(wire::BackupRequest{AbsolutePath(options.file)}));
  return {};
}

}  // namespace

void AddStateCommand(CLI::App& app, Action& chosen) {
  CLI::App* state = app.add_subcommand("state", "Look after what a broker remembers");
  state->require_subcommand(1);
  auto options = std::make_shared<BackupOptions>();
  CLI::App* backup =
      state->add_subcommand("backup", "Copy the state of a broker that is up, as of one moment");
  backup
      ->add_option("FILE", options->file,
                   "The copy, on the broker's machine; must not be there yet")
      ->required();
  AddBrokerOptions(*backup, options->broker);
  AddTimeoutOption(*backup, options->broker.timeout, "How long the copying may take (default: 1h)");
  backup->footer(
      "Runs go on meanwhile. To restore it, put the copy in the place of the state's file while "
      "no\n"
      "broker runs.\n\n"
      "Example:\n"
      "  millrace state backup /backup/millrace-$(date +%F).db --topology cluster.yaml");
  backup->callback([options, &chosen] {
    chosen = [options] {
      const Result<void> done = Backup(*options);
      return done ? kExitDone : PrintError(done.error());
    };
  });
}

}  // namespace millrace::cli
