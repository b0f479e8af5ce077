// Mutexes of threads (rt::AsyncMutex is the one of tasks), with the annotations by which clang proves that what a mutex guards is touched with it
// held: `make lint`. g++ sees plain std mutexes.
//
//   ThreadMutex mutex_;
//   std::vector<int> ready_ GUARDED_BY(mutex_);
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>

#ifdef __clang__
#define PINTLE_ANNOTATION(x) __attribute__((x))
#else
#define PINTLE_ANNOTATION(x)
#endif
#define GUARDED_BY(...) PINTLE_ANNOTATION(guarded_by(__VA_ARGS__))
#define REQUIRES(...) PINTLE_ANNOTATION(requires_capability(__VA_ARGS__))
#define REQUIRES_SHARED(...) PINTLE_ANNOTATION(requires_shared_capability(__VA_ARGS__))
#define EXCLUDES(...) PINTLE_ANNOTATION(locks_excluded(__VA_ARGS__))
// For what the analysis cannot follow: say why beside it.
#define NO_THREAD_SAFETY_ANALYSIS PINTLE_ANNOTATION(no_thread_safety_analysis)

namespace pintle {

class PINTLE_ANNOTATION(capability("mutex")) ThreadMutex {
 public:
  void lock() PINTLE_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() PINTLE_ANNOTATION(release_capability()) { mutex_.unlock(); }
  bool try_lock() PINTLE_ANNOTATION(try_acquire_capability(true)) { return mutex_.try_lock(); }

 private:
  std::mutex mutex_;
};

class PINTLE_ANNOTATION(capability("mutex")) SharedThreadMutex {
 public:
  void lock() PINTLE_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() PINTLE_ANNOTATION(release_capability()) { mutex_.unlock(); }
  bool try_lock() PINTLE_ANNOTATION(try_acquire_capability(true)) { return mutex_.try_lock(); }
  void lock_shared() PINTLE_ANNOTATION(acquire_shared_capability()) { mutex_.lock_shared(); }
  void unlock_shared() PINTLE_ANNOTATION(release_shared_capability()) { mutex_.unlock_shared(); }

 private:
  std::shared_mutex mutex_;
};

// Holds a mutex for its own life, but between unlock() and lock().
template <class M>
class PINTLE_ANNOTATION(scoped_lockable) BasicThreadLock {
 public:
  explicit BasicThreadLock(M& mutex) PINTLE_ANNOTATION(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
  ~BasicThreadLock() PINTLE_ANNOTATION(release_capability()) {
    if (held_) mutex_.unlock();
  }
  BasicThreadLock(const BasicThreadLock&) = delete;
  BasicThreadLock& operator=(const BasicThreadLock&) = delete;
  void lock() PINTLE_ANNOTATION(acquire_capability()) {
    mutex_.lock();
    held_ = true;
  }
  void unlock() PINTLE_ANNOTATION(release_capability()) {
    held_ = false;
    mutex_.unlock();
  }

 private:
  M& mutex_;
  bool held_ = true;
};
using ThreadLock = BasicThreadLock<ThreadMutex>;
using ExclusiveThreadLock = BasicThreadLock<SharedThreadMutex>;

class PINTLE_ANNOTATION(scoped_lockable) SharedThreadLock {
 public:
  explicit SharedThreadLock(SharedThreadMutex& mutex) PINTLE_ANNOTATION(acquire_shared_capability(mutex)) : mutex_(mutex) { mutex_.lock_shared(); }
  ~SharedThreadLock() PINTLE_ANNOTATION(release_generic_capability()) { mutex_.unlock_shared(); }
  SharedThreadLock(const SharedThreadLock&) = delete;
  SharedThreadLock& operator=(const SharedThreadLock&) = delete;

 private:
  SharedThreadMutex& mutex_;
};

// Waits with the mutex of `lock` given up. Await a condition in a loop: a wait may end without a notification.
class ThreadCondition {
 public:
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }
  void wait(ThreadLock& lock) { condition_.wait(lock); }
  template <class Rep, class Period>
  std::cv_status wait_for(ThreadLock& lock, std::chrono::duration<Rep, Period> time) {
    return condition_.wait_for(lock, time);
  }
  template <class Clock, class Duration>
  std::cv_status wait_until(ThreadLock& lock, std::chrono::time_point<Clock, Duration> when) {
    return condition_.wait_until(lock, when);
  }

 private:
  std::condition_variable_any condition_;
};

}  // namespace pintle
