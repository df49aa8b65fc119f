// The topology: what the one YAML file describes (config/README.md lists every key). Plain data;
// read by LoadTopology (load.h), written by DumpTopology (dump.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/config/options.h"

namespace millrace {

// A value of the file that `millrace run` takes as an option of its own: --weights FILE.
struct Parameter {
  std::string name;  // [a-z][a-z0-9-]*
  std::string sets;  // what it sets: "inference.options.weights", "preprocess.replicas"
  std::string help;  // one sentence; "" where the file gives none
  friend bool operator==(const Parameter&, const Parameter&) = default;
};

struct BrokerConfig {
  std::string host = "127.0.0.1";  // what the others connect to: an address or a name
  std::string bind = "127.0.0.1";  // what the broker binds: an address, an interface or "*"
  int control_port = 7710;
  int reports_port = 7711;
  int feed_first = 7720;  // the ports of feeds, one a worker incarnation; both ends inclusive
  int feed_last = 8719;
  // Absolute path of a folder for ipc sockets; "" for tcp. When set, host and ports are not used.
  // At most kMaxEndpointDir bytes.
  std::string endpoint_dir;
  std::string state;  // absolute path of the folder of the broker's state
  // Ended runs that the state remembers, and for how long: more are forgotten, with what no other
  // run has named. 0: no such limit.
  std::int64_t keep_runs = 0;
  Duration keep_for{};
  int max_sockets = 4096;  // ZMQ_MAX_SOCKETS; also what RLIMIT_NOFILE is raised for
  // A peer silent for this long is lost. Default 2 s on loopback and ipc, else 30 s, which is
  // also the least allowed there: a PONG waits behind bulk data.
  Duration heartbeat = std::chrono::seconds(2);
  std::string log_level = "info";  // trace, debug, info, warn, error, off

  // True where nobody outside this machine takes part: ipc, or a loopback host.
  [[nodiscard]] bool Local() const;

  // ZeroMQ endpoints: "tcp://127.0.0.1:7710", "tcp://*:7710", "ipc:///run/x/control".
  [[nodiscard]] std::string ControlBindEndpoint() const;
  [[nodiscard]] std::string ControlConnectEndpoint() const;
  [[nodiscard]] std::string ReportsBindEndpoint() const;
  [[nodiscard]] std::string ReportsConnectEndpoint() const;
  // As WELCOME names it: a port, or a socket file beside the control socket.
  [[nodiscard]] std::string ReportsName() const;
  // `number` is a port in feed_first..feed_last, or on ipc any number never used before: the file
  // is then endpoint_dir/f<number>.
  [[nodiscard]] std::string FeedBindEndpoint(std::uint64_t number) const;
  [[nodiscard]] std::string FeedConnectEndpoint(std::uint64_t number) const;

  friend bool operator==(const BrokerConfig&, const BrokerConfig&) = default;
};

// sockaddr_un holds 107 bytes and "/f18446744073709551615" takes 22 of them.
inline constexpr std::size_t kMaxEndpointDir = 85;

struct StageConfig {
  std::string name;        // [a-z0-9_-]+, unique in the file
  std::string executable;  // "scanner" for millrace-scanner; with a slash in it, an absolute path
  int replicas = 1;        // processes
  bool replicas_auto = false;  // the file said `auto`: `replicas` is the core count of this machine
  int batch_max = 1;           // the most jobs that one Process call is given
  Duration batch_delay{};      // how long a batch may wait for more jobs; default 0
  int credit = 2;              // jobs that a replica may hold; default max(2, 2 * batch_max)
  Duration lease =
      std::chrono::seconds(30);  // a claimed job without a beat for this long is requeued
  Duration stall = std::chrono::minutes(5);  // a handler without progress for this long is ended
  // A sent, unclaimed job goes back to another, idle worker; default max(1 s, 4 * batch_delay), at
  // least 2 * batch_delay.
  Duration claim_deadline = std::chrono::seconds(1);
  Duration timeout{};  // the longest one item may take alone; 0 (the default): no limit
  Duration backoff =
      std::chrono::milliseconds(200);  // pause before a second attempt; then doubling
  int max_attempts = 3;                // charged attempts; then the item is dead
  Duration drain_timeout =
      std::chrono::seconds(30);  // how long a leaving worker may take to finish
  // Bytes of payload and metadata of the jobs in this stage, beyond which the stage before is not
  // fed.
  std::int64_t budget = std::int64_t{256} << 20;
  std::int64_t max_payload = std::int64_t{64} << 20;  // bytes of one job's payload
  bool sandbox = false;  // its processes are confined (common/os/sandbox.h) once they have started

  bool options_checked = false;  // a schema was known: `options` holds values and defaults
  Options options;
  // `options` as one line of YAML, `{size: {width: 512, height: 512}}`: with all defaults and
  // absolute paths where a schema was known, else as the file has it.
  std::string options_yaml = "{}";

  friend bool operator==(const StageConfig&, const StageConfig&) = default;
};

struct Topology {
  std::string file;  // as it was asked for; for messages
  // Absolute folder that the file's relative paths start from: the file's own, or what its
  // `relative_to` says.
  std::string relative_to;
  int version = 1;
  std::string name;  // [a-z0-9_-]+
  std::vector<Parameter> parameters;
  BrokerConfig broker;
  std::vector<StageConfig> stages;  // at least one; jobs go from each to the next

  // nullptr where there is none of that name.
  [[nodiscard]] const StageConfig* FindStage(std::string_view stage) const;

  friend bool operator==(const Topology&, const Topology&) = default;
};

}  // namespace millrace
