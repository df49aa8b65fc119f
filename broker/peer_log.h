// What is logged of what peers can bring about as often as they like: garbage, HELLOs that are
// refused, feeds that nobody connects to.
#pragma once

#include <spdlog/logger.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "broker/malformed_log.h"
#include "broker/repeated_log.h"
#include "common/base/clock.h"
#include "common/base/result.h"

namespace millrace {

class PeerLog {
 public:
  PeerLog(const Clock& clock, std::shared_ptr<spdlog::logger> log)
      : clock_(clock), log_(std::move(log)) {}
  ~PeerLog();
  PeerLog(const PeerLog&) = delete;
  PeerLog& operator=(const PeerLog&) = delete;

  // The first `lines` of a kind in any case, and then a sum now and then.
  void Warn(const std::string& kind, const std::string& line, std::uint64_t lines = 1);
  // A message that does not follow the protocol came by this connection of `reports`, or by the
  // control connection of this identity.
  void MalformedReport(int link, const Error& error);
  void MalformedRequest(const std::string& identity, const Error& error);
  // The connection has ended; the next one may get the same number.
  void LinkEnded(int link);

 private:
  void Malformed(const std::string& peer, const Error& error);

  const Clock& clock_;
  std::shared_ptr<spdlog::logger> log_;
  MalformedLog malformed_;
  RepeatedLog repeated_;
};

}  // namespace millrace
