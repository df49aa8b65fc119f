#include "tests/fuzz/heap_peak.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MILLRACE_HEAP_HOOKS
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define MILLRACE_HEAP_HOOKS
#endif

#ifdef MILLRACE_HEAP_HOOKS
// Of sanitizer/allocator_interface.h, which GCC leaves out beside the library that has them.
extern "C" {
std::size_t __sanitizer_get_allocated_size(const volatile void* pointer);
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*, std::size_t),
                                              void (*on_free)(const volatile void*));
}
#endif

namespace millrace {
namespace {

// The hooks are called with the pointer alone, so that their state can be nowhere else.
std::atomic<bool> counting = false;
std::atomic<std::int64_t> live = 0;
std::atomic<std::int64_t> peak = 0;

#ifdef MILLRACE_HEAP_HOOKS
void OnMalloc(const volatile void* /*pointer*/, std::size_t size) {
  if (!counting) return;
  const std::int64_t now = live += static_cast<std::int64_t>(size);
  std::int64_t before = peak;
  while (before < now && !peak.compare_exchange_weak(before, now)) {
  }
}

void OnFree(const volatile void* pointer) {
  if (!counting || pointer == nullptr) return;
  live -= static_cast<std::int64_t>(__sanitizer_get_allocated_size(pointer));
}

const int installed = __sanitizer_install_malloc_and_free_hooks(OnMalloc, OnFree);
#endif

}  // namespace

HeapPeak::HeapPeak() {
  live = 0;
  peak = 0;
  counting = true;
}

HeapPeak::~HeapPeak() { counting = false; }

std::size_t HeapPeak::bytes() const { return static_cast<std::size_t>(peak.load()); }

}  // namespace millrace
