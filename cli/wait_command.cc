// millrace wait RUN: until it has ended, whatever becomes of its broker meanwhile.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "cli/broker_choice.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/report.h"
#include "cli/run_follower.h"
#include "cli/run_input.h"
#include "cli/terminal.h"
#include "common/config/units.h"
#include "common/net/poll_loop.h"

namespace millrace::cli {
namespace {

// A broker that has said nothing for so long is away.
constexpr Duration kSilence = std::chrono::seconds(5);

struct WaitOptions {
  BrokerChoice broker;
  std::uint64_t run = 0;
  Verdict verdict;
  ProgressStyle progress = ProgressStyle::kAuto;
  bool json = false;
};

// Tells when a broker that was there is away, and when it is back.
class Silence {
 public:
  explicit Silence(Terminal& terminal) : terminal_(terminal) {}

  void Note(Duration since_heard) {
    if (away_ == (since_heard >= kSilence)) return;
    away_ = !away_;
    terminal_.Print(away_ ? "millrace: the broker does not answer; waiting for it to come back"
                          : "millrace: the broker is back");
  }

 private:
  Terminal& terminal_;
  bool away_ = false;
};

// Takes what the broker has said; its error where it refuses.
Result<void> HandleReplies(net::ControlClient& control, StatusFollower& follower) {
  for (;;) {
    auto reply = control.Receive();
    if (!reply && reply.error().code == ErrorCode::kProtocol) continue;  // a newer broker's
    if (!reply) return Fail(reply.error());
    if (!*reply) return {};
    follower.OnReply(**reply);
    if (follower.refused()) return Fail(*follower.refused());
  }
}

Result<wire::RunStatus> WaitForEnd(const WaitOptions& options, Terminal& terminal) {
  const SteadyClock clock;
  ASSIGN_OR_RETURN(auto link, BrokerClient::Connect(options.broker));
  StatusFollower follower(clock, link->control(), terminal, options.progress);
  follower.Follow(RunId(options.run));
  std::optional<Instant> give_up;
  if (options.broker.timeout) give_up = clock.Now() + *options.broker.timeout;
  Silence silence(terminal);
  net::PollLoop loop;
  loop.OnReadable(link->control().socket(), [] {});
  for (;;) {
    follower.Step();
    Instant until = std::min(*follower.NextStep(), clock.Now() + kSilence);
    if (give_up) until = std::min(until, *give_up);
    RETURN_IF_ERROR(loop.RunOnce(clock, until));
    RETURN_IF_ERROR(HandleReplies(link->control(), follower));
    if (follower.ended()) return *follower.ended();
    silence.Note(clock.Now() - follower.last_heard());
    if (give_up && clock.Now() >= *give_up) {
      return Fail(ErrorCode::kTimeout, fmt::format("run {} has not ended after {}", options.run,
                                                   FormatDuration(*options.broker.timeout)));
    }
  }
}

int Wait(const WaitOptions& options) {
  Terminal terminal(STDERR_FILENO);
  const Result<wire::RunStatus> run = WaitForEnd(options, terminal);
  if (!run) return PrintError(run.error());
  for (const std::string& line : DescribeRun(*run)) terminal.Print(line);
  if (options.json) fmt::print("{}", run->report);
  const Judgement judgement = JudgeRun(*run, options.verdict);
  if (!judgement.why.empty()) terminal.Print("millrace: " + judgement.why);
  return judgement.exit_status;
}

}  // namespace

void AddWaitCommand(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<WaitOptions>();
  CLI::App* command = app.add_subcommand(
      "wait", "Wait for a submitted run to end, and report as `millrace run` does");
  command->add_option("RUN", options->run, "The id that `millrace submit` printed")
      ->required()
      ->check(CLI::PositiveNumber.description(""));
  AddBrokerOptions(*command, options->broker);
  AddVerdictOptions(*command, options->verdict);
  AddTimeoutOption(*command, options->broker.timeout, "Give up after this time (default: never)");
  command->add_option("--progress", options->progress, "How to show how it goes")
      ->transform(CLI::CheckedTransformer(ProgressStyles()).description(""))
      ->type_name("auto|bar|plain|none");
  command->add_flag("--json", options->json, "Print the report, as JSON and alone, to stdout");
  command->footer(
      "Ctrl-C ends the waiting, not the run. The exit status is that of `millrace run`. A broker\n"
      "that goes away is waited for.\n\n"
      "Examples:\n"
      "  millrace wait 7\n"
      "  millrace wait 7 --topology cluster.yaml --fail-on 1% --json");
  command->callback([options, &chosen] { chosen = [options] { return Wait(*options); }; });
}

}  // namespace millrace::cli
