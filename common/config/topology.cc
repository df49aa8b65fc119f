#include "common/config/topology.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace {
namespace {

std::string Tcp(const std::string& host, std::uint64_t port) {
  // An IPv6 address is bracketed, or its last part would be read as the port.
  const bool bracketed = host.find(':') != std::string::npos && !host.starts_with('[');
  return bracketed ? fmt::format("tcp://[{}]:{}", host, port)
                   : fmt::format("tcp://{}:{}", host, port);
}

std::string Ipc(const std::string& folder, std::string_view name) {
  return fmt::format("ipc://{}/{}", folder, name);
}

}  // namespace

bool BrokerConfig::Local() const {
  return !endpoint_dir.empty() || host == "localhost" || host == "::1" || host == "[::1]" ||
         host.starts_with("127.");
}

std::string BrokerConfig::ControlBindEndpoint() const {
  return endpoint_dir.empty() ? Tcp(bind, static_cast<std::uint64_t>(control_port))
                              : Ipc(endpoint_dir, "control");
}

std::string BrokerConfig::ControlConnectEndpoint() const {
  return endpoint_dir.empty() ? Tcp(host, static_cast<std::uint64_t>(control_port))
                              : Ipc(endpoint_dir, "control");
}

std::string BrokerConfig::ReportsBindEndpoint() const {
  return endpoint_dir.empty() ? Tcp(bind, static_cast<std::uint64_t>(reports_port))
                              : Ipc(endpoint_dir, "reports");
}

std::string BrokerConfig::ReportsName() const {
  return endpoint_dir.empty() ? std::to_string(reports_port) : "reports";
}

std::string BrokerConfig::ReportsConnectEndpoint() const {
  return endpoint_dir.empty() ? Tcp(host, static_cast<std::uint64_t>(reports_port))
                              : Ipc(endpoint_dir, "reports");
}

std::string BrokerConfig::FeedBindEndpoint(std::uint64_t number) const {
  return endpoint_dir.empty() ? Tcp(bind, number) : Ipc(endpoint_dir, fmt::format("f{}", number));
}

std::string BrokerConfig::FeedConnectEndpoint(std::uint64_t number) const {
  return endpoint_dir.empty() ? Tcp(host, number) : Ipc(endpoint_dir, fmt::format("f{}", number));
}

const StageConfig* Topology::FindStage(std::string_view stage) const {
  const auto found = std::ranges::find(stages, stage, &StageConfig::name);
  return found == stages.end() ? nullptr : &*found;
}

}  // namespace millrace
