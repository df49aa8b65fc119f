#include "common/config/dump.h"

#include <fmt/format.h>

#include "common/config/node.h"
#include "common/config/units.h"

namespace millrace {
namespace {

std::string Quoted(std::string_view text) { return ScalarYaml(text, true); }

void DumpBroker(const BrokerConfig& broker, std::string& out) {
  out += "broker:\n";
  out += fmt::format("  host: {}\n", Quoted(broker.host));
  out += fmt::format("  bind: {}\n", Quoted(broker.bind));
  out += fmt::format("  control: {}\n", broker.control_port);
  out += fmt::format("  reports: {}\n", broker.reports_port);
  out += fmt::format("  feed: {}-{}\n", broker.feed_first, broker.feed_last);
  if (!broker.endpoint_dir.empty()) {
    out += fmt::format("  endpoint_dir: {}\n", Quoted(broker.endpoint_dir));
  }
  out += fmt::format("  state: {}\n", Quoted(broker.state));
  if (broker.keep_runs > 0) out += fmt::format("  keep: {} runs\n", broker.keep_runs);
  if (broker.keep_for > Duration::zero()) {
    out += fmt::format("  keep: {}\n", FormatDuration(broker.keep_for));
  }
  out += fmt::format("  max_sockets: {}\n", broker.max_sockets);
  out += fmt::format("  heartbeat: {}\n", FormatDuration(broker.heartbeat));
  out += fmt::format("  log_level: {}\n", broker.log_level);
}

void DumpStage(const StageConfig& stage, std::string& out) {
  out += fmt::format("  - name: {}\n", ScalarYaml(stage.name, false));
  out += fmt::format("    executable: {}\n", Quoted(stage.executable));
  out += fmt::format("    replicas: {}{}\n", stage.replicas, stage.replicas_auto ? "  # auto" : "");
  out += fmt::format("    batch: {{max: {}, delay: {}}}\n", stage.batch_max,
                     FormatDuration(stage.batch_delay));
  out += fmt::format("    credit: {}\n", stage.credit);
  out += fmt::format("    lease: {}\n", FormatDuration(stage.lease));
  out += fmt::format("    stall: {}\n", FormatDuration(stage.stall));
  out += fmt::format("    claim_deadline: {}\n", FormatDuration(stage.claim_deadline));
  out += fmt::format("    timeout: {}\n", FormatDuration(stage.timeout));
  out += fmt::format("    backoff: {}\n", FormatDuration(stage.backoff));
  out += fmt::format("    max_attempts: {}\n", stage.max_attempts);
  out += fmt::format("    drain_timeout: {}\n", FormatDuration(stage.drain_timeout));
  out += fmt::format("    budget: {}\n", FormatBytes(stage.budget));
  out += fmt::format("    max_payload: {}\n", FormatBytes(stage.max_payload));
  out += fmt::format("    sandbox: {}\n", stage.sandbox);
  out += fmt::format("    options: {}\n", stage.options_yaml);
}

}  // namespace

std::string DumpTopology(const Topology& topology) {
  std::string out = fmt::format("version: {}\n", topology.version);
  out += fmt::format("name: {}\n", ScalarYaml(topology.name, false));
  out += fmt::format("relative_to: {}\n", Quoted(topology.relative_to));
  if (!topology.parameters.empty()) out += "parameters:\n";
  for (const Parameter& parameter : topology.parameters) {
    out += fmt::format("  {}: {{sets: {}, help: {}}}\n", parameter.name, Quoted(parameter.sets),
                       Quoted(parameter.help));
  }
  DumpBroker(topology.broker, out);
  out += "stages:\n";
  for (const StageConfig& stage : topology.stages) DumpStage(stage, out);
  return out;
}

}  // namespace millrace
