// What a stage answered → what the worker reports.
#pragma once

#include <cstddef>
#include <variant>

#include "common/stage/stage.h"
#include "common/wire/messages.h"

namespace millrace {

using WireOutcome = std::variant<wire::DoneResult, wire::FailResult, wire::SkipResult>;

// Total: an outcome that the protocol cannot carry (a part whose shape contradicts its size, too
// much meta, a record's name that is none, a reason or a warning that is no word, a payload over
// `max_payload` bytes) becomes a failure of that job which says so, since the broker would drop the
// whole message or fail the item without knowing more. Moves what it can.
WireOutcome ToWire(const wire::Lease& lease, Outcome outcome, std::size_t max_payload);

// A job that failed without an outcome of its own.
wire::FailResult ToWireFailure(const wire::Lease& lease, const Error& error, bool retryable);

}  // namespace millrace
