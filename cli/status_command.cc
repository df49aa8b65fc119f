// millrace status: the runs and the stages of a pipeline that is up.

#include <fmt/format.h>

#include <memory>

#include "cli/broker_choice.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "common/base/json_text.h"

namespace millrace::cli {
namespace {

struct StatusOptions {
  BrokerChoice broker;
  std::uint64_t run = 0;
  bool json = false;
};

std::string Quoted(std::string_view bytes) { return '"' + JsonEscapeBytes(bytes) + '"'; }

std::string RunJson(const wire::RunStatus& run) {
  return fmt::format(
      R"({{"run":{},"state":{},"input":{},"output":{},"scanned":{},"ok":{},"failed":{},)"
      R"("skipped":{},"resumed":{},"scan_complete":{},"elapsed_s":{:.3f},"reason":{}}})",
      run.run.value(), Quoted(run.state), Quoted(run.input), Quoted(run.output), run.scanned,
      run.ok, run.failed, run.skipped, run.resumed, run.scan_complete, run.elapsed_s,
      Quoted(run.reason));
}

std::string StageJson(const wire::StageStatus& stage) {
  return fmt::format(
      R"({{"stage":{},"workers":{},"waiting":{},"active":{},"bytes":{},"busy":{:.3f}}})",
      Quoted(stage.name), stage.workers, stage.waiting, stage.active, stage.bytes, stage.busy);
}

void PrintJson(const wire::StatusReply& status) {
  std::string runs;
  for (const auto& run : status.runs) runs += (runs.empty() ? "" : ",") + RunJson(run);
  std::string stages;
  for (const auto& stage : status.stages) stages += (stages.empty() ? "" : ",") + StageJson(stage);
  fmt::print("{{\"runs\":[{}],\"stages\":[{}],\"trouble\":{}}}\n", runs, stages,
             Quoted(status.trouble));
}

void PrintTables(const wire::StatusReply& status) {
  if (!status.trouble.empty()) {
    fmt::print("The broker takes no more work: {}\n\n", Printable(status.trouble));
  }
  fmt::print("{:<6} {:<9} {:>12} {:>12} {:>9} {:>9} {:>12}  {}\n", "RUN", "STATE", "SCANNED", "OK",
             "FAILED", "SKIPPED", "RESUMED", "INPUT -> OUTPUT");
  for (const auto& run : status.runs) {
    fmt::print("{:<6} {:<9} {:>12} {:>12} {:>9} {:>9} {:>12}  {} -> {}{}\n", run.run.value(),
               run.state, Grouped(run.scanned) + (run.scan_complete ? "" : "+"), Grouped(run.ok),
               Grouped(run.failed), Grouped(run.skipped), Grouped(run.resumed),
               Printable(run.input), Printable(run.output),
               run.reason.empty() ? "" : "  (" + Printable(run.reason) + ")");
  }
  fmt::print("\n{:<16} {:>8} {:>12} {:>8} {:>10} {:>6}\n", "STAGE", "WORKERS", "WAITING", "ACTIVE",
             "MIB", "BUSY");
  for (const auto& stage : status.stages) {
    fmt::print("{:<16} {:>8} {:>12} {:>8} {:>10.1f} {:>5.0f}%\n", stage.name, stage.workers,
               Grouped(stage.waiting), stage.active, static_cast<double>(stage.bytes) / (1 << 20),
               stage.busy * 100);
  }
}

Result<wire::StatusReply> AskStatus(const StatusOptions& options) {
  ASSIGN_OR_RETURN(auto link, BrokerClient::Connect(options.broker));
  return link->Ask<wire::StatusReply>(wire::StatusRequest{RunId(options.run)});
}

}  // namespace

void AddStatusCommand(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* command =
      app.add_subcommand("status", "Show the runs and the stages of a pipeline that is up");
  command->add_option("RUN", options->run, "Only this run (default: all)");
  AddBrokerOptions(*command, options->broker);
  AddAnswerTimeoutOption(*command, options->broker);
  command->add_flag("--json", options->json, "As one JSON object");
  command->footer(
      "Examples:\n"
      "  millrace status\n"
      "  millrace status 7 --topology cluster.yaml --json");
  command->callback([options, &chosen] {
    chosen = [options] {
      const auto status = AskStatus(*options);
      if (!status) return PrintError(status.error());
      options->json ? PrintJson(*status) : PrintTables(*status);
      return kExitDone;
    };
  });
}

}  // namespace millrace::cli
