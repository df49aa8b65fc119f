#include "common/net/endpoint.h"

#include <charconv>

namespace millrace::net {
namespace {

constexpr std::size_t kMaxIpcPath = 107;  // sockaddr_un.sun_path, less its closing zero

bool ParsePort(std::string_view text, int& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 0 && port <= 65535;
}

}  // namespace

std::string Endpoint::Text() const {
  if (transport == Transport::kIpc) return "ipc://" + path;
  const bool ipv6 = host.find(':') != std::string::npos;
  return "tcp://" + (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Endpoint> ParseEndpoint(std::string_view text) {
  const auto wrong = [&](const std::string& why) {
    return Fail(ErrorCode::kUsage, "\"" + std::string(text) + "\" is no address: " + why +
                                       "; write tcp://HOST:PORT or ipc:///PATH");
  };
  Endpoint out;
  if (text.starts_with("ipc://")) {
    out.transport = Transport::kIpc;
    out.path = text.substr(6);
    if (!out.path.starts_with('/')) return wrong("the path is not absolute");
    if (out.path.size() > kMaxIpcPath) return wrong("a socket's path has at most 107 bytes");
    return out;
  }
  if (!text.starts_with("tcp://")) return wrong("it is neither tcp:// nor ipc://");
  std::string_view rest = text.substr(6);
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) return wrong("the port is missing");
  std::string_view host = rest.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return wrong("the host is missing");
  out.host = host;
  if (!ParsePort(rest.substr(colon + 1), out.port)) return wrong("the port is not 0 to 65535");
  return out;
}

Result<Endpoint> Beside(const Endpoint& control, std::string_view name) {
  Endpoint out = control;
  if (control.transport == Transport::kTcp) {
    if (ParsePort(name, out.port) && out.port > 0) return out;
    return Fail(ErrorCode::kProtocol, "\"" + std::string(name) + "\" is no port");
  }
  // A name with a slash would reach out of the private folder.
  if (name.empty() || name.find('/') != std::string_view::npos) {
    return Fail(ErrorCode::kProtocol, "\"" + std::string(name) + "\" is no socket's name");
  }
  out.path = control.path.substr(0, control.path.rfind('/') + 1) + std::string(name);
  if (out.path.size() > kMaxIpcPath) {
    return Fail(ErrorCode::kProtocol, "\"" + out.path + "\" is too long for a Unix socket");
  }
  return out;
}

bool IsLocal(const Endpoint& endpoint) {
  return endpoint.transport == Transport::kIpc || endpoint.host == "localhost" ||
         endpoint.host == "::1" || endpoint.host.starts_with("127.");
}

Duration HeartbeatFor(const Endpoint& endpoint) {
  return IsLocal(endpoint) ? kLocalHeartbeat : kRemoteHeartbeat;
}

}  // namespace millrace::net
