// millrace wait RUN and millrace cancel RUN.

#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "cli/broker_choice.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/report.h"
#include "cli/run_follower.h"
#include "cli/run_input.h"
#include "cli/terminal.h"
#include "common/net/poll_loop.h"

namespace millrace::cli {
namespace {

// A broker that has said nothing for so long is gone.
constexpr Duration kSilence = std::chrono::seconds(30);

struct WaitOptions {
  BrokerChoice broker;
  std::uint64_t run = 0;
  Verdict verdict;
  ProgressStyle progress = ProgressStyle::kAuto;
  bool json = false;
};

struct CancelOptions {
  BrokerChoice broker;
  std::uint64_t run = 0;
  std::string reason = "cancelled";
};

// Takes what the broker has said; its error where it refuses.
Result<void> TakeReplies(net::ControlClient& control, RunFollower& follower) {
  for (;;) {
    ASSIGN_OR_RETURN(const auto reply, control.Receive());
    if (!reply) return {};
    if (const auto* refused = std::get_if<wire::ErrorReply>(&reply->reply)) {
      return Fail(ErrorCodeFromName(refused->code), refused->text);
    }
    follower.OnReply(reply->reply);
  }
}

Result<wire::RunStatus> WaitForEnd(const WaitOptions& options, Terminal& terminal) {
  const SteadyClock clock;
  ASSIGN_OR_RETURN(auto link, BrokerLink::Connect(options.broker));
  RunFollower follower(clock, link->control(), terminal, options.progress);
  follower.Follow(RunId(options.run));
  net::PollLoop loop;
  loop.OnReadable(link->control().socket(), [] {});
  while (!follower.ended()) {
    follower.Step();
    RETURN_IF_ERROR(loop.RunOnce(clock, follower.NextStep()));
    RETURN_IF_ERROR(TakeReplies(link->control(), follower));
    if (clock.Now() - follower.last_heard() > kSilence) {
      return Fail(ErrorCode::kUnavailable, "the broker does not answer");
    }
  }
  return *follower.ended();
}

int Wait(const WaitOptions& options) {
  Terminal terminal(STDERR_FILENO);
  const Result<wire::RunStatus> run = WaitForEnd(options, terminal);
  if (!run) return Complain(run.error());
  for (const std::string& line : DescribeRun(*run)) terminal.Print(line);
  if (options.json) fmt::print("{}", run->report);
  const Judgement judgement = JudgeRun(*run, options.verdict);
  if (!judgement.why.empty()) terminal.Print("millrace: " + judgement.why);
  return judgement.exit_status;
}

Result<void> Cancel(const CancelOptions& options) {
  ASSIGN_OR_RETURN(auto link, BrokerLink::Connect(options.broker));
  RETURN_IF_ERROR(
      link->Ask<wire::OkReply>(wire::CancelRequest{RunId(options.run), options.reason}));
  return {};
}

}  // namespace

void AddWaitCommand(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<WaitOptions>();
  CLI::App* command = app.add_subcommand(
      "wait", "Wait for a submitted run to end, and report as `millrace run` does");
  command->add_option("RUN", options->run, "The id that `millrace submit` printed")->required();
  AddBrokerOptions(*command, options->broker);
  AddVerdictOptions(*command, options->verdict);
  command->add_option("--progress", options->progress, "How to show how it goes")
      ->transform(CLI::CheckedTransformer(ProgressStyles()).description(""))
      ->type_name("auto|bar|plain|none");
  command->add_flag("--json", options->json, "Print the report, as JSON and alone, to stdout");
  command->footer(
      "Ctrl-C ends the waiting, not the run. The exit status is that of `millrace run`.\n\n"
      "Examples:\n"
      "  millrace wait 7\n"
      "  millrace wait 7 --topology cluster.yaml --fail-on 1% --json");
  command->callback([options, &chosen] { chosen = [options] { return Wait(*options); }; });
}

void AddCancelCommand(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<CancelOptions>();
  CLI::App* command = app.add_subcommand(
      "cancel", "End a run early: what is in flight finishes, and its report is written");
  command->add_option("RUN", options->run, "The id that `millrace submit` printed")->required();
  AddBrokerOptions(*command, options->broker);
  command->add_option("--reason", options->reason, "Goes into the run's status")->type_name("TEXT");
  command->footer("Example:\n  millrace cancel 7 --topology cluster.yaml");
  command->callback([options, &chosen] {
    chosen = [options] {
      const Result<void> cancelled = Cancel(*options);
      return cancelled ? kExitDone : Complain(cancelled.error());
    };
  });
}

}  // namespace millrace::cli
