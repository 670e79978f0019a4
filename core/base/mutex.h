// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

/// Which mutex guards what, in words that a compiler checks: clang's thread-safety analysis refuses
/// a use of a guarded member without its mutex (scripts/lint runs it; gcc, which builds us, sees
/// nothing of all this). A lambda is a function of its own to it: one that runs under a lock says
/// `[this]() DCP_REQUIRES(mutex_) { ... }`.
#if defined(__clang__)
#define DCP_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define DCP_THREAD_ANNOTATION(x)
#endif

/// A member, or what a member points to, is touched under this mutex alone.
#define DCP_GUARDED_BY(mutex) DCP_THREAD_ANNOTATION(guarded_by(mutex))
#define DCP_PT_GUARDED_BY(mutex) DCP_THREAD_ANNOTATION(pt_guarded_by(mutex))
/// A function wants these held, or not held, by its caller.
#define DCP_REQUIRES(...) DCP_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define DCP_EXCLUDES(...) DCP_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
/// A function takes or gives back these, or what its class stands for.
#define DCP_ACQUIRE(...) DCP_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define DCP_RELEASE(...) DCP_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define DCP_TRY_ACQUIRE(...) DCP_THREAD_ANNOTATION(try_acquire_capability(__VA_ARGS__))
/// The function is not looked into; the reason stands beside it.
#define DCP_NO_THREAD_SAFETY_ANALYSIS DCP_THREAD_ANNOTATION(no_thread_safety_analysis)

namespace dcp {

/// std::mutex, named to the analysis.
class DCP_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() DCP_ACQUIRE() { mutex_.lock(); }
  void unlock() DCP_RELEASE() { mutex_.unlock(); }
  bool try_lock() DCP_TRY_ACQUIRE(true) { return mutex_.try_lock(); }

 private:
  friend class MutexLock;
  std::mutex mutex_;
};

/// Holds a mutex for a scope; may let it go and take it again within.
class DCP_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) DCP_ACQUIRE(mutex) : lock_(mutex.mutex_) {}
  /// Of a mutex that this thread has taken by try_lock().
  MutexLock(Mutex& mutex, std::adopt_lock_t) DCP_REQUIRES(mutex)
      : lock_(mutex.mutex_, std::adopt_lock) {}
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;
  ~MutexLock() DCP_RELEASE() {}

  void lock() DCP_ACQUIRE() { lock_.lock(); }
  void unlock() DCP_RELEASE() { lock_.unlock(); }
  bool owns_lock() const { return lock_.owns_lock(); }

 private:
  friend class CondVar;
  std::unique_lock<std::mutex> lock_;
};

/// std::condition_variable for a MutexLock. Waiting gives the mutex back and takes it again, so to
/// the analysis it is held throughout.
class CondVar {
 public:
  void notify_one() noexcept { condition_.notify_one(); }
  void notify_all() noexcept { condition_.notify_all(); }

  void wait(MutexLock& lock) { condition_.wait(lock.lock_); }
  template <typename Condition>
  void wait(MutexLock& lock, Condition condition) {
    condition_.wait(lock.lock_, std::move(condition));
  }
  template <typename Time>
  std::cv_status wait_until(MutexLock& lock, const Time& end) {
    return condition_.wait_until(lock.lock_, end);
  }
  template <typename Time, typename Condition>
  bool wait_until(MutexLock& lock, const Time& end, Condition condition) {
    return condition_.wait_until(lock.lock_, end, std::move(condition));
  }
  template <typename Duration>
  std::cv_status wait_for(MutexLock& lock, const Duration& time) {
    return condition_.wait_for(lock.lock_, time);
  }
  template <typename Duration, typename Condition>
  bool wait_for(MutexLock& lock, const Duration& time, Condition condition) {
    return condition_.wait_for(lock.lock_, time, std::move(condition));
  }

 private:
  std::condition_variable condition_;
};

}  // namespace dcp
