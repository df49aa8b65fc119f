// Buffers ⇄ ZeroMQ messages without copying. For this library's own use.
#pragma once

#include <zmq.hpp>

#include "common/payload/payload.h"

namespace millrace::net {

// Below this a copy is cheaper than the allocation and the callback of a shared message.
inline constexpr std::size_t kCopyBelowBytes = 1024;

// A message with the buffer's bytes; a large one shares them, and lets go of them on an I/O thread.
zmq::message_t ToMessage(const Buffer& buffer);

// A buffer that owns the message.
Buffer ToBuffer(zmq::message_t message);

}  // namespace millrace::net
