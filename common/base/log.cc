#include "common/base/log.h"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cstdlib>

namespace millrace {

std::shared_ptr<spdlog::logger> MakeLogger(const std::string& name, const std::string& level) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>(name, std::move(sink));
  logger->set_pattern("%H:%M:%S.%e %L %n: %v");
  const char* environment = std::getenv("MILLRACE_LOG");
  const std::string chosen = !level.empty() ? level : environment != nullptr ? environment : "info";
  logger->set_level(spdlog::level::from_str(chosen));
  logger->flush_on(spdlog::level::trace);
  return logger;
}

std::shared_ptr<spdlog::logger> NullLogger() {
  return std::make_shared<spdlog::logger>("null", std::make_shared<spdlog::sinks::null_sink_mt>());
}

}  // namespace millrace
