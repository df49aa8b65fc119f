#include "common/config/topology_schema.h"

#include <cstdint>

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr double kMillisecond = 1e-3;
constexpr double kDay = 86400;
constexpr double kKibibyte = 1024;
constexpr double kTebibyte = 1024.0 * 1024 * 1024 * 1024;

OptionSpec Text(std::string name, std::string help) {
  return {.name = std::move(name), .help = std::move(help)};
}

OptionSpec Path(std::string name, std::string help) {
  return {.name = std::move(name), .type = OptionType::kPath, .help = std::move(help)};
}

OptionSpec Integer(std::string name, std::string help, std::optional<std::int64_t> default_value,
                   double min, double max) {
  OptionSpec spec{.name = std::move(name),
                  .type = OptionType::kInteger,
                  .help = std::move(help),
                  .min = min,
                  .max = max};
  if (default_value) spec.default_value = *default_value;
  return spec;
}

OptionSpec Time(std::string name, std::string help, std::optional<Duration> default_value,
                double min_seconds) {
  OptionSpec spec{.name = std::move(name),
                  .type = OptionType::kDuration,
                  .help = std::move(help),
                  .min = min_seconds,
                  .max = 30 * kDay};
  if (default_value) spec.default_value = *default_value;
  return spec;
}

OptionSpec Bytes(std::string name, std::string help, std::int64_t default_value) {
  return {.name = std::move(name),
          .type = OptionType::kBytes,
          .help = std::move(help),
          .default_value = default_value,
          .min = kKibibyte,
          .max = 1024 * kTebibyte};
}

OptionSpec Required(OptionSpec spec) {
  spec.required = true;
  return spec;
}

}  // namespace

OptionSchema TopologyKeys() {
  OptionSchema keys;
  keys.Add(Required(Integer("version", "of this format: 1", std::nullopt, 0, 1e9)));
  keys.Add(Required(Text("name", "of the topology: a-z, 0-9, _ and -")));
  keys.Add(Path("relative_to", "the folder that relative paths start from; default: this file's"));
  return keys;
}

OptionSchema ParameterKeys() {
  OptionSchema keys;
  keys.Add(Required(Text("sets", "what the parameter sets: STAGE.options.KEY or STAGE.KEY")));
  keys.Add(Text("help", "one sentence for --help"));
  return keys;
}

OptionSchema BrokerKeys() {
  OptionSchema keys;
  keys.Add({.name = "host",
            .help = "what workers and clients connect to: an address or a name",
            .default_value = std::string("127.0.0.1")});
  keys.Add(Text("bind", "what the broker binds: an address, an interface or \"*\"; default: host"));
  keys.Add(Integer("control", "port of requests", 7710, 1, 65535));
  keys.Add(Integer("reports", "port of what workers report", 7711, 1, 65535));
  keys.Add({.name = "feed",
            .help = "ports of what workers are fed, one a worker: FIRST-LAST",
            .default_value = std::string("7720-8719")});
  keys.Add(Path("endpoint_dir", "a folder for ipc sockets, instead of host and ports"));
  keys.Add(Path("state", "the folder of the broker's state; default: ./state"));
  keys.Add(Text("keep", "how long ended runs are remembered: 30d, or 1000 runs"));
  keys.Add(Integer("max_sockets", "how many sockets and files the broker may open", 4096, 16,
                   1'000'000));
  keys.Add(Time("heartbeat",
                "a peer silent for this long is lost; default 2s on one machine, else 30s",
                std::nullopt, 100 * kMillisecond));
  keys.Add({.name = "log_level",
            .type = OptionType::kChoice,
            .help = "how much is logged",
            .default_value = std::string("info"),
            .choices = {"trace", "debug", "info", "warn", "error", "off"}});
  return keys;
}

OptionSchema StageKeys() {
  OptionSchema keys;
  keys.Add(Required(Text("name", "of the stage: a-z, 0-9, _ and -")));
  keys.Add(Text("executable",
                "the program: scanner for millrace-scanner, or a path; default: the stage's name"));
  keys.Add({.name = "replicas",
            .help = "processes: a number, or auto: one a core",
            .default_value = std::string("1")});
  keys.Add(Integer("batch.max", "the most jobs handled together", 1, 1, 4096));
  keys.Add(Time("batch.delay", "how long a batch may wait for more jobs", Duration(0), 0));
  keys.Add(Integer("credit", "jobs a replica may hold; default max(2, 2 x batch.max)", std::nullopt,
                   1, 65536));
  keys.Add(Time("lease", "a job without a sign of life for this long is given to another worker",
                seconds(30), 1));
  keys.Add(Time("stall", "a worker without progress for this long is ended", seconds(300), 1));
  keys.Add(Time("claim_deadline",
                "a job not begun for this long goes to an idle worker; default max(1s, 4 x "
                "batch.delay)",
                std::nullopt, 10 * kMillisecond));
  keys.Add(
      Time("timeout", "the longest one item may take by itself; 0s: no limit", Duration(0), 0));
  keys.Add(Time("backoff", "pause before a second attempt, doubled before each further one",
                milliseconds(200), 0));
  keys.Add(Integer("max_attempts", "after this many the item is failed", 3, 1, 1000));
  keys.Add(Time("drain_timeout", "how long a leaving worker may take to finish", seconds(30), 0));
  keys.Add(Bytes("budget", "bytes waiting in this stage before the one before it pauses",
                 std::int64_t{256} << 20));
  keys.Add(Bytes("max_payload", "the largest job", std::int64_t{64} << 20));
  keys.Add({.name = "sandbox",
            .type = OptionType::kBool,
            .help = "read files of strangers without network, programs or writing",
            .default_value = false});
  return keys;
}

}  // namespace millrace
