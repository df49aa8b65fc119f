// Messages in a line, for the trace.
#pragma once

#include <string>

#include "common/wire/messages.h"

namespace millrace::sim {

std::string Describe(const wire::FeedMessage& message);
std::string Describe(const wire::ReportMessage& message);

}  // namespace millrace::sim
