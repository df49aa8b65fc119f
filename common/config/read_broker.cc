#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "common/config/decimal.h"
#include "common/config/read_options.h"
#include "common/config/read_parts.h"
#include "common/config/topology_schema.h"
#include "common/config/units.h"

namespace millrace {
namespace {

// A PONG waits behind bulk data: off this machine a healthy worker was cut at 3 s.
constexpr Duration kMinRemoteHeartbeat = std::chrono::seconds(30);
constexpr Duration kLocalHeartbeat = std::chrono::seconds(2);

bool IsHost(std::string_view host) {
  return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == ':' || c == '-' || c == '_' || c == '[' || c == ']';
  });
}

bool IsAddress(std::string host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  in6_addr address{};  // large enough for either
  return inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

// "7720-8719"
std::optional<std::pair<int, int>> ParsePorts(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = ParseInteger(text.substr(0, dash));
  const auto last = ParseInteger(text.substr(dash + 1));
  if (!first || !last || *first < 1 || *last > 65535 || *first > *last) return std::nullopt;
  return std::pair(static_cast<int>(*first), static_cast<int>(*last));
}

void ReadHosts(BrokerConfig& broker, const ReadOptions& read, const ConfigNode& node,
               Problems& problems) {
  broker.host = read.options.Text("host");
  if (!IsHost(broker.host)) {
    problems.Add(read.Place("host", node), "broker.host", "this is no address and no name",
                 "write a name or an address such as 127.0.0.1, without a port");
  }
  broker.bind = broker.host == "localhost" ? "127.0.0.1" : broker.host;
  if (read.options.Has("bind")) {
    broker.bind = read.options.Text("bind");
    if (broker.bind != "*" && !IsHost(broker.bind)) {
      problems.Add(read.Place("bind", node), "broker.bind", "this is no address and no interface",
                   "write an address, an interface such as eth0, or \"*\" for all");
    }
  } else if (!IsAddress(broker.bind) && broker.endpoint_dir.empty() && IsHost(broker.host)) {
    problems.Add(read.Place("host", node), "broker.host",
                 fmt::format("{} is a name, and a socket is bound to an address", broker.host),
                 "add bind: \"*\", or the address or interface that the name stands for");
  }
}

void ReadPorts(BrokerConfig& broker, const ReadOptions& read, const ConfigNode& node,
               Problems& problems) {
  broker.control_port = static_cast<int>(read.options.Integer("control"));
  broker.reports_port = static_cast<int>(read.options.Integer("reports"));
  const auto ports = ParsePorts(read.options.Text("feed"));
  if (!ports) {
    problems.Add(read.Place("feed", node), "broker.feed", "this is no range of ports",
                 "write FIRST-LAST, such as 7720-8719, in decimal, the lower one first");
    return;
  }
  std::tie(broker.feed_first, broker.feed_last) = *ports;
  if (broker.control_port == broker.reports_port) {
    problems.Add(read.Place("reports", node), "broker.reports",
                 fmt::format("port {} is that of broker.control", broker.reports_port),
                 "give each its own");
  }
  for (const auto& [name, port] :
       {std::pair("control", broker.control_port), std::pair("reports", broker.reports_port)}) {
    if (port < broker.feed_first || port > broker.feed_last) continue;
    // The place of what was written: the other of the two may be a default.
    problems.Add(read.Place(read.places.contains(name) ? name : "feed", node),
                 fmt::format("broker.{}", name),
                 fmt::format("port {} lies in broker.feed, {}-{}", port, broker.feed_first,
                             broker.feed_last),
                 "move the port out of the range");
  }
}

// "30d" or "1000 runs".
void ReadKeep(BrokerConfig& broker, const ReadOptions& read, const ConfigNode& node,
              Problems& problems) {
  if (!read.options.Has("keep")) return;
  const std::string& text = read.options.Text("keep");
  constexpr std::string_view kRuns = " runs";
  if (text.ends_with(kRuns)) {
    const auto runs = ParseInteger(text.substr(0, text.size() - kRuns.size()));
    if (runs && *runs > 0) {
      broker.keep_runs = *runs;
      return;
    }
  } else if (const auto time = ParseDuration(text); time && *time > Duration::zero()) {
    broker.keep_for = *time;
    return;
  }
  problems.Add(read.Place("keep", node), "broker.keep", "this is no time and no number of runs",
               "write a time such as 30d, or a number such as 1000 runs");
}

}  // namespace

BrokerConfig ReadBroker(const ConfigNode* node, const ConfigNode& root,
                        const std::string& relative_to, Problems& problems) {
  const ReadOptions read = ReadAgainst(BrokerKeys(), node, root, "broker", {}, problems);
  const ConfigNode& place = node != nullptr ? *node : root;
  const Options& options = read.options;
  BrokerConfig broker;
  if (options.Has("endpoint_dir")) broker.endpoint_dir = options.Text("endpoint_dir");
  if (broker.endpoint_dir.size() > kMaxEndpointDir) {
    problems.Add(
        read.Place("endpoint_dir", place), "broker.endpoint_dir",
        fmt::format("{} bytes long; names of sockets must fit in 107", broker.endpoint_dir.size()),
        fmt::format("choose a folder of at most {} bytes, such as one in /tmp", kMaxEndpointDir));
  }
  ReadHosts(broker, read, place, problems);
  ReadPorts(broker, read, place, problems);
  broker.state = options.Has("state") ? options.Text("state")
                                      : (std::filesystem::path(relative_to) / "state").string();
  ReadKeep(broker, read, place, problems);
  broker.max_sockets = static_cast<int>(options.Integer("max_sockets"));
  broker.heartbeat = broker.Local() ? kLocalHeartbeat : kMinRemoteHeartbeat;
  if (options.Has("heartbeat")) {
    broker.heartbeat = options.Time("heartbeat");
    if (!broker.Local() && broker.heartbeat < kMinRemoteHeartbeat) {
      problems.Add(read.Place("heartbeat", place), "broker.heartbeat",
                   fmt::format("{} is too short for a host that is not this machine",
                               FormatDuration(broker.heartbeat)),
                   "write at least 30s, or remove the line: a sign of life waits behind bulk data");
    }
  }
  broker.log_level = options.Text("log_level");
  return broker;
}

}  // namespace millrace
