#include "common/net/context.h"

#include <zmq.hpp>

namespace millrace::net {

Context::Context(std::unique_ptr<zmq::context_t> context) : context_(std::move(context)) {}
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;
Context::~Context() = default;

Result<Context> Context::Create(int max_sockets) {
  try {
    auto context = std::make_unique<zmq::context_t>();
    context->set(zmq::ctxopt::max_sockets, max_sockets);
    return Context(std::move(context));
  } catch (const zmq::error_t& error) {
    return Fail(ErrorCode::kInternal, "cannot make a ZeroMQ context for " +
                                          std::to_string(max_sockets) +
                                          " sockets: " + error.what());
  }
}

std::string Context::NextMonitorAddress() {
  return "inproc://monitor-" + std::to_string(++monitors_);
}

}  // namespace millrace::net
