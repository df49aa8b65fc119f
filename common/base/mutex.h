// A mutex whose rules Clang checks: -Wthread-safety reports a member that is used without the mutex
// that GUARDED_BY names. The standard library's mutexes carry no such annotations here. See
// https://clang.llvm.org/docs/ThreadSafetyAnalysis.html for the terms.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define MILLRACE_THREAD_SAFETY(attribute) __attribute__((attribute))
#else
#define MILLRACE_THREAD_SAFETY(attribute)
#endif

// Of a member: read and written only by who holds the mutex.
#define GUARDED_BY(mutex) MILLRACE_THREAD_SAFETY(guarded_by(mutex))
// Of a function: its caller holds the mutex, or must not hold it.
#define REQUIRES(mutex) MILLRACE_THREAD_SAFETY(requires_capability(mutex))
#define EXCLUDES(mutex) MILLRACE_THREAD_SAFETY(locks_excluded(mutex))

namespace millrace {

class MILLRACE_THREAD_SAFETY(capability("mutex")) Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() MILLRACE_THREAD_SAFETY(acquire_capability()) { mutex_.lock(); }
  void Unlock() MILLRACE_THREAD_SAFETY(release_capability()) { mutex_.unlock(); }

 private:
  friend class Condition;
  std::mutex mutex_;
};

// Holds the mutex for its own lifetime.
class MILLRACE_THREAD_SAFETY(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) MILLRACE_THREAD_SAFETY(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() MILLRACE_THREAD_SAFETY(release_capability()) { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

class Condition {
 public:
  // Returns after a Notify, or without one: call it in a loop that looks at what is waited for. The
  // analysis cannot see into a predicate, so there is no Wait that takes one.
  void Wait(Mutex& mutex) REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();  // the caller's MutexLock unlocks it
  }
  // Likewise; false once that time has come.
  bool WaitUntil(Mutex& mutex, std::chrono::steady_clock::time_point until) REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    const std::cv_status status = condition_.wait_until(lock, until);
    lock.release();
    return status == std::cv_status::no_timeout;
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace millrace
