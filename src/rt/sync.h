// What tasks wait on. Each is safe to use from any executor; a waiter resumes on its own executor.
#pragma once

#include <coroutine>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "rt/context.h"
#include "rt/executor.h"
#include "rt/task.h"

namespace pintle::rt {

// Suspends the current task for `duration`; an error only when `ctx` is done first.
Task<Result<Unit>> sleep_for(Context ctx, Duration duration);
Task<Result<Unit>> sleep_until(Context ctx, TimePoint when);
// Lets other ready tasks of this executor run.
Task<void> yield();

// A condition that tasks wait for: level-triggered. set() wakes every waiter; reset() makes later waits block again.
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void set();
  void reset();
  bool is_set() const;
  Task<Result<Unit>> wait(Context ctx);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// A FIFO mutex for tasks. Not for hot paths: prefer to keep state on one executor.
class AsyncMutex {
 public:
  AsyncMutex();
  ~AsyncMutex();
  AsyncMutex(const AsyncMutex&) = delete;
  AsyncMutex& operator=(const AsyncMutex&) = delete;

  struct State;
  class Lock {
   public:
    Lock() = default;
    Lock(Lock&&) noexcept = default;
    Lock& operator=(Lock&&) noexcept;
    ~Lock();

   private:
    friend class AsyncMutex;
    std::shared_ptr<State> state_;
  };
  Task<Result<Lock>> lock(Context ctx);

 private:
  std::shared_ptr<State> state_;
};

// Tasks that were started and must be waited for. close() cancels them and waits; the destructor CHECKs that nothing
// is left. spawn() may be called from any executor; the task runs on the calling one (or the one that is named).
class TaskGroup {
 public:
  TaskGroup();
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // The context that members should take: done once close() is called.
  Context context() const;
  void spawn(Task<void> task);
  void spawn_on(Executor& executor, Task<void> task);
  std::size_t size() const;
  bool empty() const { return size() == 0; }
  // Waits until all members have ended, without cancelling them.
  Task<void> join();
  // Cancels context() and waits until all members have ended. No spawn afterwards has any effect but running to its end.
  Task<void> close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// A bounded queue between tasks. send() waits while it is full; close() ends it: receivers drain what is there and then
// get Reason::Gone, senders fail at once.
template <class T>
class Channel {
 public:
  explicit Channel(std::size_t capacity) : capacity_(capacity) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // False if the queue is full or closed.
  bool try_send(T value) {
    ThreadLock lock(mutex_);
    if (closed_ || items_.size() >= capacity_) return false;
    items_.push_back(std::move(value));
    readable_.set();
    if (items_.size() >= capacity_) writable_.reset();
    return true;
  }
  std::optional<T> try_receive() {
    ThreadLock lock(mutex_);
    if (items_.empty()) return std::nullopt;
    std::optional<T> value(std::move(items_.front()));
    items_.pop_front();
    if (items_.empty() && !closed_) readable_.reset();
    writable_.set();
    return value;
  }
  Task<Result<Unit>> send(Context ctx, T value) {
    while (true) {
      {
        ThreadLock lock(mutex_);
        if (closed_) co_return error(Reason::Gone, "channel closed");
        if (items_.size() < capacity_) {
          items_.push_back(std::move(value));
          readable_.set();
          co_return Unit{};
        }
        writable_.reset();
      }
      CO_TRY(co_await writable_.wait(ctx));
    }
  }
  Task<Result<T>> receive(Context ctx) {
    while (true) {
      if (auto value = try_receive()) co_return std::move(*value);
      {
        ThreadLock lock(mutex_);
        if (items_.empty() && closed_) co_return error(Reason::Gone, "channel closed");
      }
      CO_TRY(co_await readable_.wait(ctx));
    }
  }
  void close() {
    ThreadLock lock(mutex_);
    closed_ = true;
    readable_.set();
    writable_.set();
  }
  std::size_t size() const {
    ThreadLock lock(mutex_);
    return items_.size();
  }

 private:
  const std::size_t capacity_;
  mutable ThreadMutex mutex_;
  std::deque<T> items_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
  // Set and reset under the mutex, with what they tell of; waited for without it.
  Event readable_;
  Event writable_;
};

}  // namespace pintle::rt
