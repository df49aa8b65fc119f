// millrace retry OUTPUT: tries again what has failed, on a pipeline that is up or on one like that
// of the `millrace run` that made OUTPUT.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "cli/broker_choice.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/failure_filter.h"
#include "cli/local_run.h"
#include "cli/run_input.h"
#include "cli/run_record.h"
#include "cli/terminal.h"
#include "cli/topology_choice.h"
#include "common/base/json_text.h"

namespace millrace::cli {
namespace {

struct RetryOptions {
  BrokerChoice broker;
  std::string output;
  FailureFilter filter;
  LocalRunOptions local;
};

wire::RetryRequest RequestFor(const RetryOptions& options, const std::string& output) {
  return {.output = output, .stage = options.filter.stage, .code = options.filter.code};
}

int ReportNothing() {
  Terminal(STDERR_FILENO).Print("millrace: nothing failed that can be tried again");
  return kExitDone;
}

// Whether a pipeline that is up knows of a run into this output.
Result<bool> IsKnown(BrokerClient& link, const std::string& output) {
  ASSIGN_OR_RETURN(const auto status, link.Ask<wire::StatusReply>(wire::StatusRequest{}));
  return std::any_of(status.runs.begin(), status.runs.end(),
                     [&output](const wire::RunStatus& run) { return run.output == output; });
}

Result<int> RetryThere(const RetryOptions& options) {
  const std::string output = AbsolutePath(options.output);
  ASSIGN_OR_RETURN(auto link, BrokerClient::Connect(options.broker));
  const auto submitted = link->Ask<wire::Submitted>(RequestFor(options, output));
  if (submitted) {
    fmt::print("{}\n", submitted->run.value());
    return kExitDone;
  }
  if (submitted.error().code == ErrorCode::kNotFound) {
    // There is no such run, or there is and it has no such failure, which is well.
    ASSIGN_OR_RETURN(const bool known, IsKnown(*link, output));
    if (known) return ReportNothing();
  }
  return Fail(submitted.error());
}

// Whether there is anything to start a pipeline for. What the first stage has failed is no matter
// of trying: it looks at every file in every run.
Result<bool> AnyToRetry(const RetryOptions& options, const PipelineRecord& record,
                        const std::string& first_stage) {
  const std::string path = record.output + "/.millrace/failed.jsonl";
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Fail(
        ErrorCode::kNotFound,
        fmt::format("there is no {}: the run over {} has not ended; the same `millrace run` "
                    "goes on with it",
                    path, record.input));
  }
  for (std::string line; std::getline(file, line);) {
    if (options.filter.Takes(line) && JsonTextMember(line, "stage").value_or("") != first_stage) {
      return true;
    }
  }
  return false;
}

void PrintReport(const std::string& output) {
  std::ifstream report(output + "/.millrace/report.json", std::ios::binary);
  fmt::print("{}", std::string{std::istreambuf_iterator<char>(report), {}});
}

Result<int> RetryHere(const RetryOptions& options) {
  ASSIGN_OR_RETURN(SignalFd signals, SignalFd::Open());  // before any thread
  ASSIGN_OR_RETURN(const PipelineRecord record, ReadPipelineRecord(AbsolutePath(options.output)));
  ASSIGN_OR_RETURN(const TempDir dir, TempDir::Create());
  ASSIGN_OR_RETURN(Topology topology, LoadRecorded(record.topology, dir.path()));
  // With OUTPUT its state was moved.
  if (topology.broker.state == record.was + "/.millrace") {
    topology.broker.state = record.output + "/.millrace";
  }
  std::error_code error;
  if (!std::filesystem::exists(record.input, error)) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("INPUT {} of the run into {} is not there: if it was moved, the same "
                            "`millrace run` with its new place goes on with what was done",
                            record.input, record.output));
  }
  ASSIGN_OR_RETURN(const bool any, AnyToRetry(options, record, topology.stages.front().name));
  if (!any) {
    if (options.local.json) PrintReport(record.output);
    return ReportNothing();
  }
  return RunLocally(signals, dir,
                    {.topology = std::move(topology),
                     .request = RequestFor(options, record.output),
                     .on_accepted = [] { return Result<void>(); },
                     .remark_details = "",
                     .how_to_go_on = "the same `millrace run` as before goes on with it"},
                    options.local);
}

}  // namespace

void AddRetryCommand(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<RetryOptions>();
  CLI::App* command =
      app.add_subcommand("retry", "Try again what has failed in a run, as part of that run");
  command->add_option("OUTPUT", options->output, "The run's OUTPUT folder")->required();
  AddFailureFilter(*command, options->filter);
  AddLocalRunOptions(*command, options->local);
  AddBrokerOptions(*command, options->broker);
  AddAnswerTimeoutOption(*command, options->broker);
  command->footer(
      "What the scan itself has failed (empty, not-an-image, ...) is not among it: every run\n"
      "looks at those files again.\n\n"
      "With --topology or --broker it is asked of a pipeline that is up, and the run's id is\n"
      "printed alone, for `millrace wait`. Else the pipeline of the `millrace run` that made\n"
      "OUTPUT is started again, settings and all, and followed as `millrace run` does.\n\n"
      "Examples:\n"
      "  millrace retry out\n"
      "  millrace retry out --code timeout --fail-on 1%\n"
      "  millrace wait $(millrace retry /masks --topology cluster.yaml) --topology cluster.yaml");
  command->callback([options, &chosen] {
    chosen = [options] {
      const bool is_up = !options->broker.topology.empty() || !options->broker.endpoint.empty();
      const Result<int> status = is_up ? RetryThere(*options) : RetryHere(*options);
      return status ? *status : PrintError(status.error());
    };
  });
}

}  // namespace millrace::cli
