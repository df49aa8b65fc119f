// Logging set-up. Everything goes to stderr, one line an event: stdout carries results only.
//
// Lines read "12:34:56.789 W broker: text". The level comes from --log-level or MILLRACE_LOG
// (trace, debug, info, warn, error, off).
#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <string>

namespace millrace {

// A logger named after the process ("broker", "preprocess-2"); threads may share it.
std::shared_ptr<spdlog::logger> MakeLogger(const std::string& name, const std::string& level = "");

// Drops everything; for tests.
std::shared_ptr<spdlog::logger> NullLogger();

}  // namespace millrace
