// What a stage answered → what the worker reports.
#pragma once

#include <cstddef>
#include <variant>

#include "common/stage/stage.h"
#include "common/wire/messages.h"

namespace millrace {

using WireOutcome = std::variant<wire::DoneResult, wire::FailResult, wire::SkipResult>;

// Total: an outcome that the protocol cannot carry (a part whose shape contradicts its size, too
// much meta, a record without a name, a payload over `max_payload` bytes) becomes a failure of that
// job which says so, since the broker would drop the whole message. Moves what it can.
WireOutcome ToWire(const wire::Lease& lease, Outcome outcome, std::size_t max_payload);

// A job that failed without an outcome of its own.
wire::FailResult ToWireFailure(const wire::Lease& lease, const Error& error, bool retryable);

}  // namespace millrace
