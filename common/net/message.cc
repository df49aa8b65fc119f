#include "common/net/message.h"

#include <memory>

// ThreadSanitizer does not see into libzmq, whose queues order what the I/O thread frees after what
// we wrote: say it here instead of hiding the whole path in a suppression.
#if defined(__has_feature)  // Clang's way to say what gcc says by a macro
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#define MILLRACE_TSAN_ACQUIRE(address) __tsan_acquire(address)
#define MILLRACE_TSAN_RELEASE(address) __tsan_release(address)
#else
#define MILLRACE_TSAN_ACQUIRE(address) static_cast<void>(address)
#define MILLRACE_TSAN_RELEASE(address) static_cast<void>(address)
#endif

namespace millrace::net {
namespace {

using Owner = std::shared_ptr<const std::byte>;

void FreeOwner(void* /*data*/, void* hint) {
  MILLRACE_TSAN_ACQUIRE(hint);
  delete static_cast<Owner*>(hint);
}

}  // namespace

zmq::message_t ToMessage(const Buffer& buffer) {
  if (buffer.size() < kCopyBelowBytes) return {buffer.data(), buffer.size()};
  auto owner = std::make_unique<Owner>(buffer.owner());
  MILLRACE_TSAN_RELEASE(owner.get());
  // ZeroMQ's interface is not const; nothing writes to a message that is being sent.
  zmq::message_t message(const_cast<std::byte*>(buffer.data()), buffer.size(), FreeOwner,
                         owner.get());
  owner.release();  // NOLINT(bugprone-unused-return-value): FreeOwner has it now
  return message;
}

Buffer ToBuffer(zmq::message_t message) {
  if (message.empty()) return {};
  auto owner = std::make_shared<zmq::message_t>(std::move(message));
  const void* data = owner->data();
  const std::size_t size = owner->size();
  return Buffer::Share(std::move(owner), data, size);
}

}  // namespace millrace::net
