#include "broker/peer_log.h"

#include <string_view>

namespace millrace {
namespace {

// Reports peers whose messages are invalid. A peer may reconnect for each message.
constexpr std::uint64_t kMalformedLines = 100;

std::string ReportsPeer(int link) { return "reports connection " + std::to_string(link); }

// ZeroMQ gives each connection an identity of five bytes, unless the client chose its own.
std::string ControlPeer(const std::string& identity) {
  constexpr std::size_t kShown = 16;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string name = "control connection ";
  for (const char c : identity.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    name += kDigits[byte >> 4];
    name += kDigits[byte & 15];
  }
  return name;
}

}  // namespace

PeerLog::~PeerLog() {
  for (const std::string& line : repeated_.Rest()) log_->warn("{}", line);
}

void PeerLog::Warn(const std::string& kind, const std::string& line, std::uint64_t lines) {
  if (const auto said = repeated_.Note(kind, line, clock_.Now(), lines)) log_->warn("{}", *said);
}

void PeerLog::MalformedReport(int link, const Error& error) { Malformed(ReportsPeer(link), error); }

void PeerLog::MalformedRequest(const std::string& identity, const Error& error) {
  Malformed(ControlPeer(identity), error);
}

void PeerLog::Malformed(const std::string& peer, const Error& error) {
  if (const auto line = malformed_.Note(peer, error, clock_.Now())) {
    Warn("malformed", *line, kMalformedLines);
  }
}

void PeerLog::LinkEnded(int link) {
  if (const auto line = malformed_.Forget(ReportsPeer(link))) {
    Warn("gone", *line, kMalformedLines);
  }
}

}  // namespace millrace
