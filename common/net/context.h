// The home of a process's sockets: ZeroMQ's I/O threads and its limit on sockets.
#pragma once

#include <memory>
#include <string>

#include "common/base/result.h"

namespace zmq {
class context_t;
}

namespace millrace::net {

// Must outlive its sockets: the destructor waits for them, and for their LINGER.
class Context {
 public:
  // Costs one I/O thread. `max_sockets` counts every socket and two more for each monitor.
  static Result<Context> Create(int max_sockets = 1023);

  Context(Context&&) noexcept;
  Context& operator=(Context&&) noexcept;
  ~Context();

  // For this library.
  [[nodiscard]] zmq::context_t& zmq() { return *context_; }
  // An inproc address not used before.
  std::string NextMonitorAddress();

 private:
  explicit Context(std::unique_ptr<zmq::context_t> context);
  std::unique_ptr<zmq::context_t> context_;
  int monitors_ = 0;
};

}  // namespace millrace::net
